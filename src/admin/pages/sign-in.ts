import type { ReadingStore } from '../../audit/changing.ts';
import { ApiError } from '../../errors.ts';
import { escapeHtml } from '../../escape-html.ts';
import type { Basic } from '../../identity/basic.ts';
import type { LocalSignIn } from '../../identity/limited-basic.ts';
import type { Refused } from '../../identity/principal.ts';
import { noSessionCookies } from '../../identity/session-cookie.ts';
import type { FailedSignIn, Reply } from '../../reply.ts';
import type { SessionParts } from '../deeds/sessions.ts';
import type { Call } from '../handler.ts';
import { formToken, formTokenProblem } from './form-token.ts';
import { fragmentScript, returnAddress } from './fragment.ts';
import { checkedNext } from './next.ts';
import { page } from './page.ts';
import { sessionOf, signedIn } from './signed-in.ts';

export interface SignInParts {
  readonly store: Pick<ReadingStore, 'users' | 'sessions'>;
  readonly basic: Pick<Basic, 'signIn'>;
  readonly sessions: SessionParts;
  /** Where else one may sign in: each has a button. */
  readonly buttons: readonly Provider[];
  /** Whose passwords are taken. */
  readonly localSignIn: LocalSignIn;
  /** Where a browser goes on to leave a session at its provider too; undefined for nowhere. */
  readonly leaving: (call: Call, sessionId: string) => Promise<string | undefined>;
}

/** An identity provider that a sign-in may go by, at `/auth/oidc/NAME/start`. */
export interface Provider {
  readonly name: string;
  /** What its button says. */
  readonly displayName: string;
}

/** A page that goes on to the provider: a form of ours leads to no other place (form-action), nor does what it redirects to. */
function leaving(prefix: string, address: string): Reply {
  const to = escapeHtml(address);
  const content = `<meta http-equiv="refresh" content="0; url=${to}">\n<p>You have signed out here. <a href="${to}">Sign out at your provider too</a></p>`;
  return page('You have signed out', content, { prefix });
}

/** The page on which a user signs in to a session, and the way out of it. */
export function signInHandlers(parts: SignInParts) {
  const { store } = parts;
  return {
    'signIn.page': (call: Call): Reply => form(call, parts, { next: call.query.get('next')?.[0] }),

    async 'signIn.submit'(call: Call): Promise<Reply> {
      const username = textOf(call.body['username']);
      const next = call.body['next'] ?? call.query.get('next')?.[0];
      const problem = formTokenProblem(call);
      if (problem !== undefined) {
        return { ...form(call, parts, { username, next, problem, status: 400 }), because: problem };
      }
      const outcome = await signIn(call, parts, { username, password: textOf(call.body['password']), next });
      if (!('error' in outcome)) {
        return outcome;
      }
      const { error } = outcome;
      const filled = { username, next, problem: error.message, status: error.status };
      const shown = form(call, parts, filled);
      return { ...shown, headers: { ...shown.headers, ...error.headers }, failedSignIn: outcome };
    },

    async 'signOut.submit'(call: Call): Promise<Reply> {
      const session = await sessionOf(call, store.sessions);
      const elsewhere = session && (await parts.leaving(call, session.id));
      if (session !== undefined) {
        await call.changing.sessions.end(session, 'sign-out');
      }
      if (elsewhere !== undefined) {
        return { ...leaving(call.prefix, elsewhere), cookies: noSessionCookies(call.isSecure) };
      }
      return {
        status: 303,
        headers: { location: `${call.prefix}/auth/sign-in`, 'cache-control': 'no-store' },
        cookies: noSessionCookies(call.isSecure),
      };
    },
  };
}

const textOf = (field: unknown): string => (typeof field === 'string' ? field : '');

interface Tried {
  readonly username: string;
  readonly password: string;
  readonly next: unknown;
}

/** A hash of an outdated kind is replaced by a right password: then what was proved is proved once more. */
const TIMES = 2;

/** @returns the answer that goes on, or why the sign-in failed. */
async function signIn(
  call: Call,
  { store, basic, sessions }: SignInParts,
  { username, password, next }: Tried,
): Promise<Reply | FailedSignIn> {
  for (let time = 0; time < TIMES; time += 1) {
    const before = await store.users.get(username);
    const verdict = await basic.signIn({ username, password }, call.ip);
    if (verdict === 'not-mine' || 'refused' in verdict) {
      return { error: errorOf(verdict), triedAs: username };
    }
    const answer = await signedIn(
      call,
      { sessions: store.sessions, parts: sessions },
      {
        userId: verdict.id,
        by: { kind: 'password', id: null },
        still: ({ passwordHash }) => passwordHash === before?.passwordHash,
        next,
      },
    );
    if (answer !== undefined) {
      return { ...answer, because: 'the password is right' };
    }
  }
  return { error: wrong('the password was changed meanwhile'), triedAs: username };
}

function errorOf(verdict: Refused | 'not-mine'): ApiError {
  if (verdict === 'not-mine') {
    return wrong('the name or password cannot be read');
  }
  return verdict.error ?? wrong(verdict.refused);
}

/** One answer to a wrong name, a wrong password and a user who may not sign in. */
const wrong = (because: string): ApiError =>
  new ApiError('UNAUTHENTICATED', 'The name or the password is not right.', { because });

export interface Filled {
  readonly username?: string;
  /** As it was sent. */
  readonly next: unknown;
  /** Why what was sent signed nobody in. */
  readonly problem?: string;
  readonly status?: number;
}

/** The page with the ways to sign in, after a refusal with what was sent but the password. */
export function form(
  call: Call,
  { buttons, localSignIn }: Pick<SignInParts, 'buttons' | 'localSignIn'>,
  filled: Filled,
): Reply {
  const { prefix } = call;
  const { problem, status = 200 } = filled;
  const { field, cookies } = formToken(call);
  const next = checkedNext(filled.next, prefix);
  const alert = problem === undefined ? '' : `<p id="problem" role="alert">${escapeHtml(problem)}</p>\n`;
  const links = providerLinks(buttons, prefix, next);
  // Who seldom signs in so does not stand in the way of those who do each day.
  const isAside = localSignIn === 'admins' && buttons.length > 0;
  const fields = passwordForm({ ...filled, next, field, isOpen: !isAside || problem !== undefined });
  const ways = {
    everybody: [fields, links],
    admins: isAside
      ? [
          links,
          `<details${problem === undefined ? '' : ' open'}>\n<summary>Sign in as an admin</summary>\n${fields}\n</details>`,
        ]
      : [fields],
    nobody: [links],
  }[localSignIn];
  const content = alert + ways.filter((way) => way !== '').join('\n');
  return { ...page('Sign in to MLflow', content, { prefix, status, runsScript: links !== '' }), cookies };
}

interface PasswordForm extends Filled {
  readonly next: string;
  /** That no page of another site has sent it, as HTML. */
  readonly field: string;
  /** Whether it is seen at once. */
  readonly isOpen: boolean;
}

function passwordForm({ username = '', next, problem, field, isOpen }: PasswordForm): string {
  const described = problem === undefined ? '' : ' aria-describedby="problem"';
  const focus = (isHere: boolean) => (isHere && isOpen ? ' autofocus' : '');
  // To its own address: the part behind its #, which MLflow's pages are told by and no server sees, stays on the way.
  return `<form action="" method="post">
${field}
<input type="hidden" name="next" value="${escapeHtml(next)}">
<label for="username">Name</label>
<input type="text" id="username" name="username" value="${escapeHtml(username)}" autocomplete="username" autocapitalize="none" spellcheck="false"${described} required${focus(username === '')}>
<label for="password">Password</label>
<input type="password" id="password" name="password" autocomplete="current-password"${described} required${focus(username !== '')}>
<button type="submit">Sign in</button>
</form>`;
}

function providerLinks(providers: readonly Provider[], prefix: string, next: string): string {
  if (providers.length === 0) {
    return '';
  }
  const links = providers.map(({ name, displayName }) => {
    const start = (to: string) =>
      `${prefix}/auth/oidc/${encodeURIComponent(name)}/start?next=${encodeURIComponent(to)}`;
    return `<li><a class="button" href="${escapeHtml(start(next))}" data-with-fragment="${escapeHtml(start(returnAddress(prefix, next)))}">Sign in with ${escapeHtml(displayName)}</a></li>`;
  });
  return `<ul class="providers">\n${links.join('\n')}\n</ul>${fragmentScript(prefix)}`;
}
