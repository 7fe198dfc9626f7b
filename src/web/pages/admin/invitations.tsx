import { Link } from '@tanstack/react-router';
import type { Answer } from '../../../admin/contract/index.ts';
import { ask } from '../../api/client.ts';
import { useList } from '../../api/queries.ts';
import { Answered } from '../../parts/answered.tsx';
import { ConfirmButton } from '../../parts/dialog.tsx';
import { Moment } from '../../parts/moment.tsx';
import { useSay } from '../../parts/say.tsx';
import { Table } from '../../parts/table.tsx';
import { T } from '../../texts.ts';
import { AdminPage } from './admins.tsx';
import { Invite } from './invite.tsx';

type Open = Answer<'invitations.list'>['invitations'][number];

/** Links by which users choose a password, as long as nobody has. */
export function Invitations() {
  return (
    <AdminPage title={T.invitations.title} lead={T.invitations.lead}>
      <Invite />
      <Found />
    </AdminPage>
  );
}

function Found() {
  const { query, more } = useList('invitations.list', {});
  return (
    <Answered query={query}>
      {(pages) => (
        <Table
          caption={T.invitations.caption}
          rows={pages.flatMap(({ invitations }) => invitations)}
          keyOf={({ invitation_id: id }) => id}
          empty={T.invitations.none}
          more={more}
          columns={[
            {
              head: T.invitations.user,
              cell: ({ username }) => (
                <Link to="/admin/users/$name" params={{ name: username }}>
                  {username}
                </Link>
              ),
            },
            { head: T.invitations.kind, cell: ({ kind }) => T.invitations.kinds[kind] },
            { head: T.invitations.by, cell: ({ created_by: by }) => by },
            { head: T.invitations.made, cell: ({ created_at: at }) => <Moment at={at} /> },
            { head: T.invitations.until, cell: ({ expires_at: at }) => <Moment at={at} /> },
            { head: T.actions, cell: (open) => <Revoke open={open} /> },
          ]}
        />
      )}
    </Answered>
  );
}

function Revoke({ open: { invitation_id: id, username } }: { readonly open: Open }) {
  const say = useSay();
  return (
    <ConfirmButton
      button={T.invitations.revoke}
      label={T.invitations.revokeOf(username)}
      title={T.invitations.revokeTitle(username)}
      loses={<p>{T.invitations.revokeLoses}</p>}
      act={() =>
        ask('invitations.delete', { invitation_id: id }).then(() => say(T.invitations.revoked(username)))
      }
    />
  );
}
