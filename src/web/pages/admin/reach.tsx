import { Link } from '@tanstack/react-router';
import { useDeferredValue, useState } from 'react';
import type { Answer } from '../../../admin/contract/index.ts';
import { useList } from '../../api/queries.ts';
import { Answered } from '../../parts/answered.tsx';
import { Choice, Field } from '../../parts/fields.tsx';
import { Sources } from '../../parts/sources.tsx';
import { Table } from '../../parts/table.tsx';
import { kindText, LEVEL_NAMES, T } from '../../texts.ts';

type Reached = Answer<'permissions.reach'>['reached'][number];

const KINDS = ['experiment', 'registered_model'] as const;

/** Every experiment or model that a user may do anything to, with its name and why; each leads to who else may. */
export function Reach({ username }: { readonly username: string }) {
  const [kind, setKind] = useState<(typeof KINDS)[number]>('experiment');
  const [sought, setSought] = useState('');
  const contains = useDeferredValue(sought);
  const { query, more } = useList(
    'permissions.reach',
    { username, resource_type: kind, ...(contains !== '' && { contains }) },
    { keepsBefore: true },
  );
  return (
    <>
      <div className="filters">
        <Choice
          label={T.reach.kind}
          value={kind}
          options={KINDS.map((each) => [each, kindText(each)] as const)}
          onChange={setKind}
        />
        <Field label={T.reach.search} type="search" value={sought} onChange={setSought} />
      </div>
      <Answered query={query}>
        {(pages) => (
          <Table
            caption={T.reach.caption}
            rows={pages.flatMap(({ reached }) => reached)}
            keyOf={({ resource_type: type, resource_id: id }) => `${type} ${id}`}
            empty={more === undefined ? T.reach.none : T.reach.noneYet}
            more={more}
            columns={[
              { head: T.reach.name, cell: (each) => <ToThing reached={each} /> },
              { head: T.share.permission, cell: ({ permission }) => LEVEL_NAMES[permission] },
              { head: T.share.through, cell: ({ sources }) => <Sources sources={sources} /> },
            ]}
          />
        )}
      </Answered>
    </>
  );
}

function ToThing({ reached: { resource_type: type, resource_id: id, name } }: { readonly reached: Reached }) {
  const kind = type === 'experiment' ? 'experiment' : 'registered-model';
  return (
    <Link to="/share/$kind/$id" params={{ kind, id }}>
      {type === 'experiment' && name !== id ? `${name} (${id})` : name}
    </Link>
  );
}
