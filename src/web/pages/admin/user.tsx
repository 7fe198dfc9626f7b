import { Link, useParams } from '@tanstack/react-router';
import { useAsk, useList } from '../../api/queries.ts';
import { Answered } from '../../parts/answered.tsx';
import { Part } from '../../parts/page.tsx';
import { Sessions } from '../../parts/sessions.tsx';
import { SignIns } from '../../parts/sign-ins.tsx';
import { CreateToken } from '../../parts/tokens/create.tsx';
import { TokenTable } from '../../parts/tokens/table.tsx';
import { T } from '../../texts.ts';
import { Granted } from '../account/granted.tsx';
import { AdminPage } from './admins.tsx';
import { Explain } from './explain.tsx';
import { Reach } from './reach.tsx';
import { UserActions } from './user-actions.tsx';
import { stateText } from './users.tsx';

/** One user: what they are, what they may do and why, and what can be done about it. */
export function OneUser() {
  const { name = '' } = useParams({ strict: false });
  return (
    <AdminPage title={name} lead={T.users.lead}>
      <p>
        <Link to="/admin/users" activeOptions={{ exact: true }}>
          {T.users.back}
        </Link>
      </p>
      <Found name={name} />
    </AdminPage>
  );
}

function Found({ name }: { readonly name: string }) {
  const found = useAsk('users.get', { username: name });
  return (
    <Answered query={found}>
      {({ user }) => (
        <>
          <Part title={T.users.flags}>
            <p>{stateText(user)}</p>
            <UserActions user={user} />
          </Part>
          <Part title={T.users.grants}>
            <Held name={name} />
          </Part>
          <Part title={T.reach.title}>
            <Reach username={name} />
          </Part>
          <Part title={T.users.why}>
            <Explain username={name} />
          </Part>
          <Part title={T.tokens.all}>
            <CreateToken username={name} />
            <Tokens name={name} />
          </Part>
          <Sessions username={name} />
          <SignIns username={name} />
        </>
      )}
    </Answered>
  );
}

function Held({ name }: { readonly name: string }) {
  const held = useAsk('userPermissions.list', { username: name });
  return (
    <Answered query={held}>{({ permissions }) => <Granted permissions={permissions} canShare />}</Answered>
  );
}

function Tokens({ name }: { readonly name: string }) {
  const { query, more } = useList('tokens.list', { username: name });
  return (
    <Answered query={query}>
      {(pages) => <TokenTable tokens={pages.flatMap(({ tokens }) => tokens)} more={more} />}
    </Answered>
  );
}
