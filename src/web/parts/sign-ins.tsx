import type { Answer } from '../../admin/contract/index.ts';
import { useList } from '../api/queries.ts';
import { T } from '../texts.ts';
import { Answered } from './answered.tsx';
import { Moment } from './moment.tsx';
import { Part } from './page.tsx';
import { Table } from './table.tsx';

type SignIn = Answer<'signIns.list'>['sign_ins'][number];

/** When and from where somebody signed in, or tried to, by the name of a user. */
export function SignIns({ username }: { readonly username: string }) {
  const { query, more } = useList('signIns.list', { username });
  return (
    <Part title={T.signIns.title}>
      <p>{T.signIns.lead}</p>
      <Answered query={query}>
        {(pages) => (
          <Table
            caption={T.signIns.title}
            rows={pages
              .flatMap(({ sign_ins: found }) => found)
              .map((each, at) => ({ ...each, key: String(at) }))}
            keyOf={({ key }) => key}
            empty={T.signIns.none}
            more={more}
            columns={[
              { head: T.signIns.when, cell: ({ at }) => <Moment at={at} /> },
              { head: T.signIns.outcome, cell: ({ outcome }) => T.signIns.outcomes[outcome] },
              { head: T.signIns.ip, cell: ({ ip }) => ip ?? '?' },
              { head: T.signIns.by, cell: byText },
            ]}
          />
        )}
      </Answered>
    </Part>
  );
}

function byText({ credential }: SignIn): string {
  const { credentials } = T.account;
  return credential === null ? '' : (credentials[credential as keyof typeof credentials] ?? credential);
}
