import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { Answer } from '../../../admin/contract/index.ts';
import { ask } from '../../api/client.ts';
import { useList } from '../../api/queries.ts';
import { Answered, Failure } from '../../parts/answered.tsx';
import { ConfirmButton } from '../../parts/dialog.tsx';
import { Choice } from '../../parts/fields.tsx';
import { Part } from '../../parts/page.tsx';
import { useSay } from '../../parts/say.tsx';
import { Table } from '../../parts/table.tsx';
import { LEVEL_NAMES, T } from '../../texts.ts';
import { change, GIVEN, type Given, type Thing } from './thing.ts';

type Holder = Answer<'permissions.holders'>['holders'][number];

interface Shown {
  readonly thing: Thing;
  /** Who looks at the page. */
  readonly username: string;
}

/** Everybody who has access, through what, and how to change or take it. */
export function Holders({ thing, username }: Shown) {
  const { query, more } = useList('permissions.holders', {
    resource_type: thing.kind,
    resource_id: thing.id,
  });
  return (
    <Part title={T.share.holders}>
      <Answered query={query}>
        {(pages) => (
          <Table
            caption={T.share.holdersCaption}
            rows={pages.flatMap(({ holders }) => holders)}
            keyOf={(holder) => holder.username}
            empty={T.share.noHolders}
            more={more}
            columns={[
              {
                head: T.share.holder,
                cell: (holder) =>
                  holder.username === username ? `${username} (${T.share.you})` : holder.username,
              },
              { head: T.share.permission, cell: ({ permission }) => LEVEL_NAMES[permission] },
              { head: T.share.through, cell: (holder) => <Through thing={thing} holder={holder} /> },
              {
                head: T.actions,
                cell: (holder) => <Change thing={thing} holder={holder} username={username} />,
              },
            ]}
          />
        )}
      </Answered>
    </Part>
  );
}

function Through({ thing, holder: { sources, own_grant: own } }: { thing: Thing; holder: Holder }) {
  const isOwnShown = sources.some(({ source, resource_pattern: id }) => source === 'user' && id === thing.id);
  return (
    <>
      {sources.map(({ source, name, resource_type: kind, resource_pattern: id }) => (
        <div key={`${source} ${name} ${kind} ${id}`}>
          {sourceText(source, name)}
          {kind !== undefined && id === '*' ? ` ${T.share.onAll(kind)}` : ''}
        </div>
      ))}
      {own === null || isOwnShown ? null : <div>{T.share.ownOnly(LEVEL_NAMES[own.permission])}</div>}
    </>
  );
}

function sourceText(source: Holder['sources'][number]['source'], name: string | null): string {
  switch (source) {
    case 'user':
      return T.share.own;
    case 'role':
      return T.share.byRole(name);
    case 'default':
      return T.share.byDefault;
    case 'admin':
      return T.share.admin;
    case 'token':
      return T.share.token;
  }
}

/** What can be done about a user's own grant on just this; the rest comes from elsewhere. */
function Change({ thing, holder, username }: Shown & { readonly holder: Holder }) {
  const { username: name, own_grant: own } = holder;
  const queries = useQueryClient();
  const say = useSay();
  const changing = useMutation({
    mutationFn: (level: Given) => change(thing, name, level),
    onSuccess: (_, level) => say(T.share.changed(name, LEVEL_NAMES[level])),
    onSettled: () => queries.invalidateQueries(),
  });
  if (own === null) {
    return null;
  }
  const shown = changing.isPending ? changing.variables : own.permission;
  const options = GIVEN.some((each) => each === shown) ? GIVEN : ([shown as Given, ...GIVEN] as const);
  const take = () =>
    ask('userPermissions.revoke', {
      username: name,
      resource_type: own.resource_type,
      resource_id: thing.id,
    }).then(() => say(T.share.taken(name)));
  return (
    <div className="buttons">
      {own.resource_type === thing.kind ? (
        <Choice
          label={T.share.levelOf(name)}
          isLabelHidden
          value={shown as Given}
          options={options.map((each) => [each, LEVEL_NAMES[each]] as const)}
          onChange={changing.mutate}
        />
      ) : null}
      <ConfirmButton
        button={T.share.take}
        label={T.share.takeFrom(name)}
        title={T.share.takeTitle(name)}
        loses={
          <>
            <p>{T.share.takeLoses(name)}</p>
            {name === username ? <p>{T.share.takeOwn}</p> : null}
          </>
        }
        act={take}
      />
      {changing.error === null ? null : <Failure error={changing.error} />}
    </div>
  );
}
