import type { Answer } from '../../../admin/contract/index.ts';
import { ask } from '../../api/client.ts';
import { T, thingText } from '../../texts.ts';
import { ConfirmButton } from '../dialog.tsx';
import { Moment } from '../moment.tsx';
import { useSay } from '../say.tsx';
import { type Column, Table } from '../table.tsx';
import { RotateToken } from './rotate.tsx';

type Token = Answer<'tokens.list'>['tokens'][number];

/** Tokens, with a way to renew or delete each. */
export function TokenTable({
  tokens,
  more,
  hasOwner = false,
}: {
  readonly tokens: readonly Token[];
  readonly more: (() => void) | undefined;
  /** Whether they are of several users. */
  readonly hasOwner?: boolean;
}) {
  const owner: readonly Column<Token>[] = hasOwner
    ? [{ head: T.tokens.owner, cell: ({ username }) => username }]
    : [];
  return (
    <Table
      caption={T.tokens.caption}
      rows={tokens}
      keyOf={({ token_id: id }) => id}
      empty={T.tokens.none}
      more={more}
      columns={[
        {
          head: T.tokens.name,
          cell: ({ name, prefix }) => (
            <>
              {name} <code>{prefix}…</code>
            </>
          ),
        },
        ...owner,
        { head: T.tokens.scope, cell: ({ scope }) => scopeText(scope) },
        { head: T.tokens.expires, cell: ({ expires_at: at }) => <Moment at={at} /> },
        { head: T.tokens.used, cell: ({ last_used_at: at }) => <Moment at={at} /> },
        { head: T.actions, cell: (token) => <Actions token={token} /> },
      ]}
    />
  );
}

function scopeText(scope: Token['scope']): string {
  if (scope === null) {
    return T.tokens.everything;
  }
  const things = scope.resources?.map((each) => thingText(each.resource_type, each.resource_id)).join(', ');
  return [
    ...(scope.access === undefined ? [] : [T.tokens.reads]),
    ...(things === undefined ? [] : [T.tokens.only(things)]),
  ].join(', ');
}

function Actions({ token }: { readonly token: Token }) {
  const { token_id: id, name } = token;
  const say = useSay();
  return (
    <div className="buttons">
      <RotateToken token={token} />
      <ConfirmButton
        button={T.tokens.remove}
        label={T.tokens.removeOf(name)}
        title={T.tokens.removeTitle(name)}
        loses={<p>{T.tokens.removeLoses}</p>}
        act={() => ask('tokens.delete', { token_id: id }).then(() => say(T.tokens.removed(name)))}
      />
    </div>
  );
}
