import { Link } from '@tanstack/react-router';
import { useDeferredValue, useState } from 'react';
import type { Answer } from '../../../admin/contract/index.ts';
import { useList } from '../../api/queries.ts';
import { Answered } from '../../parts/answered.tsx';
import { Field } from '../../parts/fields.tsx';
import { Table } from '../../parts/table.tsx';
import { T } from '../../texts.ts';
import { AdminPage } from './admins.tsx';
import { CreateUser } from './create-user.tsx';
import { Invite } from './invite.tsx';

type User = Answer<'users.search'>['users'][number];

/** Everybody, found by a part of the name. */
export function Users() {
  return (
    <AdminPage title={T.users.title}>
      <div className="buttons">
        <Invite />
        <CreateUser />
      </div>
      <Found />
    </AdminPage>
  );
}

function Found() {
  const [sought, setSought] = useState('');
  const contains = useDeferredValue(sought);
  const { query, more } = useList('users.search', { contains }, { keepsBefore: true });
  return (
    <>
      <Field label={T.users.search} type="search" value={sought} onChange={setSought} />
      <Answered query={query}>
        {(pages) => (
          <Table
            caption={T.users.caption}
            rows={pages.flatMap(({ users }) => users)}
            keyOf={({ username }) => username}
            empty={T.users.none}
            more={more}
            columns={[
              {
                head: T.users.name,
                cell: ({ username }) => (
                  <Link to="/admin/users/$name" params={{ name: username }}>
                    {username}
                  </Link>
                ),
              },
              { head: T.users.state, cell: stateText },
            ]}
          />
        )}
      </Answered>
    </>
  );
}

/** What a user is, in words. */
export function stateText({ is_active, is_admin, is_service }: Omit<User, 'id' | 'username'>): string {
  return [
    is_active ? T.users.active : T.users.disabled,
    ...(is_admin ? [T.users.admin] : []),
    ...(is_service ? [T.users.service] : []),
  ].join(', ');
}
