import { Link, Outlet, useRouterState } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { PREFIX } from '../api/client.ts';
import { useMe } from '../api/queries.ts';
import { T } from '../texts.ts';

const ADMIN_PAGES = [
  ['/admin/users', T.users.title],
  ['/admin/invitations', T.invitations.title],
  ['/admin/roles', T.roles.title],
  ['/admin/tokens', T.tokens.all],
  ['/admin/audit', T.audit.title],
  ['/admin/lockouts', T.lockouts.title],
  ['/admin/status', T.status.title],
] as const;

/** The page that is opened by who has no password yet: nothing is asked there that needs one. */
export const INVITATION = '/invitation';

/** What is around every page: the way to the others, and to MLflow. */
export function Shell() {
  const main = useRef<HTMLElement>(null);
  const path = useRouterState({ select: ({ location }) => location.pathname });
  const isInvitation = useRouterState({ select: ({ matches }) => matches.at(-1)?.routeId === INVITATION });
  const before = useRef(path);
  useEffect(() => {
    // Who hears the page goes on at the top of the new one.
    if (before.current !== path) {
      before.current = path;
      main.current?.focus();
    }
  }, [path]);
  return (
    <>
      <a className="skip" href="#main">
        {T.skip}
      </a>
      <header>
        {isInvitation ? (
          <span>{T.product}</span>
        ) : (
          <>
            <a className="home" href={`${PREFIX}/`}>
              {T.toMlflow}
            </a>
            <Pages />
          </>
        )}
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        <Outlet />
      </main>
    </>
  );
}

function Pages() {
  const { data: me } = useMe();
  return (
    <nav aria-label={T.pages}>
      <ul>
        <li>
          <Link to="/account">{T.account.title}</Link>
        </li>
        {me?.user.is_admin === true && !me.user.must_change_password
          ? ADMIN_PAGES.map(([to, title]) => (
              <li key={to}>
                <Link to={to}>{title}</Link>
              </li>
            ))
          : null}
        <li>
          <Link to="/api">{T.api.title}</Link>
        </li>
        {me === undefined ? null : <li className="me">{T.signedInAs(me.user.username)}</li>}
        {me?.credential.kind === 'session' ? (
          <li>
            <form method="post" action={`${PREFIX}/auth/sign-out`}>
              <button type="submit">{T.signOut}</button>
            </form>
          </li>
        ) : null}
      </ul>
    </nav>
  );
}
