import type { Answer } from '../../../admin/contract/index.ts';
import { ask } from '../../api/client.ts';
import { useList } from '../../api/queries.ts';
import { Answered } from '../../parts/answered.tsx';
import { Form } from '../../parts/form.tsx';
import { Moment } from '../../parts/moment.tsx';
import { useSay } from '../../parts/say.tsx';
import { Table } from '../../parts/table.tsx';
import { T } from '../../texts.ts';
import { AdminPage } from './admins.tsx';

type Lockout = Answer<'lockouts.list'>['lockouts'][number];

/** Who may not try another password for now, and a way to let them. */
export function Lockouts() {
  return (
    <AdminPage title={T.lockouts.title} lead={T.lockouts.lead}>
      <Found />
    </AdminPage>
  );
}

function Found() {
  const { query, more } = useList('lockouts.list', {});
  return (
    <Answered query={query}>
      {(pages) => (
        <Table
          caption={T.lockouts.caption}
          rows={pages.flatMap(({ lockouts }) => lockouts)}
          keyOf={({ username, ip }) => `${username} ${ip}`}
          empty={T.lockouts.none}
          more={more}
          columns={[
            { head: T.lockouts.user, cell: ({ username }) => username ?? T.lockouts.any },
            { head: T.lockouts.ip, cell: ({ ip }) => ip ?? T.lockouts.any },
            { head: T.lockouts.failures, cell: ({ failures }) => failures },
            { head: T.lockouts.until, cell: ({ until }) => <Moment at={until} /> },
            { head: T.actions, cell: (lockout) => <LetIn lockout={lockout} /> },
          ]}
        />
      )}
    </Answered>
  );
}

function LetIn({ lockout: { username, ip } }: { readonly lockout: Lockout }) {
  const say = useSay();
  const act = () => ask('lockouts.delete', username === null ? { ip } : { username });
  return (
    <Form act={act} done={() => say(T.lockouts.cleared)} submit={T.lockouts.clear}>
      <span className="only-heard">{T.lockouts.clearOf(username ?? ip ?? T.lockouts.any)}</span>
    </Form>
  );
}
