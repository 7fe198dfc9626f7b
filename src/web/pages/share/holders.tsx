import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { Answer } from '../../../admin/contract/index.ts';
import { ask } from '../../api/client.ts';
import { useList } from '../../api/queries.ts';
import { Answered, Failure } from '../../parts/answered.tsx';
import { ConfirmButton } from '../../parts/dialog.tsx';
import { Choice } from '../../parts/fields.tsx';
import { Part } from '../../parts/page.tsx';
import { useSay } from '../../parts/say.tsx';
import { Sources } from '../../parts/sources.tsx';
import { Table } from '../../parts/table.tsx';
import { LEVEL_NAMES, T } from '../../texts.ts';
import { change, GIVEN, type Given, type Thing } from './thing.ts';

type Holder = Answer<'permissions.holders'>['holders'][number];

interface Shown {
  readonly thing: Thing;
  /** Who looks at the page. */
  readonly username: string;
  readonly isAdmin: boolean;
}

/** Everybody who has access, through what, and how to change or take it. */
export function Holders({ thing, username, isAdmin }: Shown) {
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
                cell: ({ username: name }) => <Name name={name} isYou={name === username} isLink={isAdmin} />,
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

/** To an admin it leads to all that the user may do. */
function Name({
  name,
  isYou,
  isLink,
}: {
  readonly name: string;
  readonly isYou: boolean;
  readonly isLink: boolean;
}) {
  const shown = isYou ? `${name} (${T.share.you})` : name;
  return isLink ? (
    <Link to="/admin/users/$name" params={{ name }}>
      {shown}
    </Link>
  ) : (
    shown
  );
}

function Through({ thing, holder: { sources, own_grant: own } }: { thing: Thing; holder: Holder }) {
  const isOwnShown = sources.some(({ source, resource_pattern: id }) => source === 'user' && id === thing.id);
  return (
    <>
      <Sources sources={sources} />
      {own === null || isOwnShown ? null : <div>{T.share.ownOnly(LEVEL_NAMES[own.permission])}</div>}
    </>
  );
}

/** What can be done about a user's own grant on just this; the rest comes from elsewhere. */
function Change({ thing, holder, username }: Omit<Shown, 'isAdmin'> & { readonly holder: Holder }) {
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
