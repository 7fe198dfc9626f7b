import type { Answer } from '../../admin/contract/index.ts';
import { ask } from '../api/client.ts';
import { useList } from '../api/queries.ts';
import { T } from '../texts.ts';
import { Answered } from './answered.tsx';
import { ConfirmButton } from './dialog.tsx';
import { Moment } from './moment.tsx';
import { Part } from './page.tsx';
import { useSay } from './say.tsx';
import { Table } from './table.tsx';

type Session = Answer<'sessions.list'>['sessions'][number];

/** The browsers in which a user is signed in. */
export function Sessions({ username }: { readonly username: string }) {
  const { query, more } = useList('sessions.list', { username });
  return (
    <Part title={T.sessions.title}>
      <Answered query={query}>
        {(pages) => (
          <Table
            caption={T.sessions.title}
            rows={pages.flatMap(({ sessions }) => sessions)}
            keyOf={({ session_id: id }) => id}
            empty={T.sessions.none}
            more={more}
            columns={[
              {
                head: T.sessions.browser,
                cell: ({ user_agent: agent, is_current: isCurrent }) =>
                  `${agent ?? '?'}${isCurrent ? ` (${T.sessions.current})` : ''}`,
              },
              { head: T.sessions.ip, cell: ({ ip }) => ip ?? '?' },
              { head: T.sessions.since, cell: ({ created_at: at }) => <Moment at={at} /> },
              { head: T.sessions.used, cell: ({ last_used_at: at }) => <Moment at={at} /> },
              { head: T.actions, cell: (session) => <End session={session} /> },
            ]}
          />
        )}
      </Answered>
    </Part>
  );
}

/** The one that the page is in is ended by signing out. */
function End({ session }: { readonly session: Session }) {
  const say = useSay();
  return session.is_current ? null : (
    <ConfirmButton
      button={T.sessions.end}
      label={T.sessions.endOf(session.ip ?? '?')}
      title={T.sessions.endTitle}
      loses={<p>{T.sessions.endLoses}</p>}
      act={() => ask('sessions.delete', { session_id: session.session_id }).then(() => say(T.sessions.ended))}
    />
  );
}
