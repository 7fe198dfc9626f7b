import type { SignInBy } from '../../audit/changing.ts';
import { sessionCookies, sessionSecretIn } from '../../identity/session-cookie.ts';
import { hashOf } from '../../identity/token-secret.ts';
import type { Reply } from '../../reply.ts';
import type { Sessions } from '../../store/sessions.ts';
import type { Session, User } from '../../store/types.ts';
import { type BegunThere, beginSession, type SessionParts } from '../deeds/sessions.ts';
import type { Call } from '../handler.ts';
import { checkedNext } from './next.ts';

export interface SigningIn {
  readonly sessions: Pick<Sessions, 'byHash'>;
  readonly parts: SessionParts;
}

/** Who has proved to be a user, by what, and where they want to go. */
export interface Proved {
  readonly userId: number;
  readonly by: SignInBy;
  /** See `SessionToBegin.still`. */
  readonly still: (user: User) => boolean;
  /** As it was sent; it is checked here. */
  readonly next: unknown;
  readonly there?: BegunThere;
}

/**
 * Begins a session for a user who has proved who they are, in whatever way, and sends the browser on.
 *
 * @returns undefined if what was proved does not hold any more, or the user may not sign in.
 */
export async function signedIn(
  call: Call,
  { sessions, parts }: SigningIn,
  { userId, by, still, next, there }: Proved,
): Promise<Reply | undefined> {
  const begun = await beginSession(call.changing, parts, {
    ...{ userId, by, still, there, ip: call.ip },
    userAgent: call.headers['user-agent'],
    former: await sessionOf(call, sessions),
  });
  return (
    begun && {
      status: 303,
      headers: { location: checkedNext(next, call.prefix), 'cache-control': 'no-store' },
      cookies: sessionCookies(begun.secret, begun.session.username, call.isSecure),
    }
  );
}

/** The session that a browser is in, whether it has ended or not, on a page that asks nobody who they are. */
export async function sessionOf(
  { headers, isSecure }: Pick<Call, 'headers' | 'isSecure'>,
  sessions: Pick<Sessions, 'byHash'>,
): Promise<Session | undefined> {
  const secret = sessionSecretIn(headers.cookie, isSecure);
  return secret === undefined ? undefined : sessions.byHash(hashOf(secret));
}
