import { v7 as uuid } from 'uuid';
import type { Changing, SignInBy } from '../../audit/changing.ts';
import type { SignedIn } from '../../identity/principal.ts';
import { makeSessionSecret } from '../../identity/session-cookie.ts';
import { hashOf } from '../../identity/token-secret.ts';
import { mayDoEverything } from '../../policy/decide.ts';
import type { ProviderSession } from '../../store/provider-sessions.ts';
import type { Session, User } from '../../store/types.ts';

export interface SessionParts {
  /** How long a session lives at most, in milliseconds. */
  readonly lifeMs: number;
  /** How long it lives unused. */
  readonly idleMs: number;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly random: (bytes: number) => Buffer;
}

/** Whose session is to begin, and where. */
export interface SessionToBegin {
  readonly userId: number;
  /** What the user has signed in with. */
  readonly by: SignInBy;
  /**
   * Whether what was proved still holds, asked when nothing can change any more: a password that is changed meanwhile
   * ends all sessions, and the one that it would begin too.
   */
  readonly still: (user: User) => boolean;
  readonly ip: string;
  readonly userAgent: string | undefined;
  /** The one that the same browser was in: it ends, whosever it is. */
  readonly former: Session | undefined;
  /** Where it began at a provider of single sign-on: what that said of it. */
  readonly there?: BegunThere | undefined;
}

/** What a provider said of a session; it lives no longer than that, where it says so. */
export interface BegunThere {
  readonly lifeMs: number | undefined;
  readonly session: Omit<ProviderSession, 'sessionId'>;
}

/** A session that has begun, with its secret, which is kept nowhere. */
export interface BegunSession {
  readonly session: Session;
  readonly secret: string;
}

/** Longer texts say no more of a browser. */
const LONGEST_USER_AGENT = 300;

/**
 * Begins a session under an id and a secret of its own, whatever the browser had before.
 *
 * @returns undefined if what was proved does not hold any more, or the user may not sign in.
 */
export function beginSession(
  changing: Pick<Changing, 'atOnce'>,
  { lifeMs, idleMs, clock, random }: SessionParts,
  { userId, by, still, ip, userAgent, former, there }: SessionToBegin,
): Promise<BegunSession | undefined> {
  return changing.atOnce(async ({ users, identities, sessions, providerSessions }) => {
    const user = await users.getById(userId);
    if (user === undefined || !user.isActive || !still(user)) {
      return undefined;
    }
    // Unlinked since the provider was believed: what ends with that has been ended already.
    if (there !== undefined && (await identities.get(there.session))?.userId !== userId) {
      return undefined;
    }
    if (former !== undefined) {
      await sessions.end(former, 'sign-out');
    }
    const secret = makeSessionSecret(random);
    const session = await sessions.begin(
      {
        ...{ id: uuid({ msecs: clock() }), userId, hash: hashOf(secret), idleMs, ip },
        lifeMs: Math.min(lifeMs, there?.lifeMs ?? lifeMs),
        userAgent: userAgent?.slice(0, LONGEST_USER_AGENT),
      },
      by,
    );
    if (there !== undefined) {
      await providerSessions.add({ ...there.session, sessionId: session.id });
    }
    return { session, secret };
  });
}

/** Whether a caller may know of a session: its user may, and an admin. */
export function mayKnowSession(caller: SignedIn, { userId }: Pick<Session, 'userId'>): boolean {
  return caller.id === userId || mayDoEverything(caller);
}
