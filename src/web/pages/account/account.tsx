import { useAsk, useMe } from '../../api/queries.ts';
import { Answered } from '../../parts/answered.tsx';
import { Page, Part } from '../../parts/page.tsx';
import { Sessions } from '../../parts/sessions.tsx';
import { SignIns } from '../../parts/sign-ins.tsx';
import { T } from '../../texts.ts';
import { OwnRequests } from '../requests/own.tsx';
import { Granted } from './granted.tsx';
import { ChangePassword, PasswordElsewhere } from './password.tsx';
import { OwnTokens } from './tokens.tsx';

/** What the caller is, may do, and signs in with. */
export function Account() {
  const me = useMe();
  return (
    <Page title={T.account.title}>
      <Answered query={me}>
        {({ user, credential }) => (
          <>
            {user.must_change_password ? <p role="alert">{T.firstPassword}</p> : null}
            <Part title={T.account.who}>
              <dl>
                <dt>{T.account.name}</dt>
                <dd>{user.username}</dd>
                <dt>{T.account.kind}</dt>
                <dd>{user.is_admin ? T.account.admin : T.account.user}</dd>
                <dt>{T.account.credential}</dt>
                <dd>{credentialText(credential.kind)}</dd>
              </dl>
            </Part>
            {user.has_password ? (
              <ChangePassword username={user.username} />
            ) : user.is_service ? null : (
              <PasswordElsewhere providers={user.providers} />
            )}
            {user.must_change_password ? null : (
              <>
                <OwnTokens username={user.username} />
                <Sessions username={user.username} />
                <SignIns username={user.username} />
                <OwnRequests />
                <WhatYouMay />
              </>
            )}
          </>
        )}
      </Answered>
    </Page>
  );
}

const credentialText = (kind: string): string =>
  T.account.credentials[kind as keyof typeof T.account.credentials] ?? kind;

function WhatYouMay() {
  const held = useAsk('userPermissions.current', {});
  return (
    <Part title={T.account.may}>
      <Answered query={held}>{({ permissions }) => <Granted permissions={permissions} canShare />}</Answered>
    </Part>
  );
}
