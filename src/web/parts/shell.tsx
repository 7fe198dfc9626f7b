import { Link, Outlet, useRouterState } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { PREFIX } from '../api/client.ts';
import { useAsk, useMe } from '../api/queries.ts';
import { T } from '../texts.ts';

const ADMIN_PAGES = [
  ['/admin/users', T.users.title],
  ['/admin/invitations', T.invitations.title],
  ['/admin/roles', T.roles.title],
  ['/admin/tokens', T.tokens.all],
  ['/admin/audit', T.audit.title],
  ['/admin/report', T.report.title],
  ['/admin/lockouts', T.lockouts.title],
  ['/admin/providers', T.providers.title],
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

/** The most that is counted of what waits for an answer. */
const COUNTED = 9;

/** The way to what others ask for, with how much of it waits for an answer. */
function ToRequests() {
  const { data } = useAsk('accessRequests.list', { max_results: String(COUNTED) });
  const count = data?.access_requests.length ?? 0;
  return (
    <li>
      <Link to="/requests">
        {count === 0 ? T.requests.title : T.requests.counted(count, data?.next_page_token !== undefined)}
      </Link>
    </li>
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
        {me === undefined || me.user.must_change_password ? null : <ToRequests />}
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
