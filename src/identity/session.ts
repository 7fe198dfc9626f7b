import { recentlyUsed } from '../recently-used.ts';
import type { SessionOwner } from '../store/sessions.ts';
import type { Session } from '../store/types.ts';
import { type Account, type Accounts, admitted } from './accounts.ts';
import type { Authenticator, Presented, Refused, Verdict } from './principal.ts';
import { sessionSecretIn } from './session-cookie.ts';
import { hashOf } from './token-secret.ts';

export interface SessionOptions {
  readonly accounts: Accounts;
  /** Asks the store whose the secret with this hash is. */
  readonly ownerOf: (hash: string) => Promise<SessionOwner | undefined>;
  /** How long a session lives unused, in milliseconds. */
  readonly idleMs: number;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/** What is known of a secret: whose it is, which never changes, and when it was last used here. */
interface Known {
  readonly username: string;
  usedAt: number;
}

/** How many secrets are known. */
const REMEMBERED = 50_000;

/**
 * Sessions, by the cookie that a browser got when its user signed in. `Authorization` beside it decides alone, whatever
 * it is.
 *
 * As with tokens, whether a session is good is asked of the account, which is forgotten when the store's change feed names
 * the user: one that was ended by any process is refused on the next request. When it was last used another gateway may know
 * better: before one ends unused, the store is asked.
 */
export function createSession({ accounts, ownerOf, idleMs, clock }: SessionOptions): Authenticator {
  const known = recentlyUsed<Known>(REMEMBERED);

  return {
    authenticate({ headers, isSecure, arrives }: Presented): Verdict | Promise<Verdict> {
      const secret =
        headers.authorization === undefined ? sessionSecretIn(headers.cookie, isSecure) : undefined;
      if (secret === undefined) {
        return 'not-mine';
      }
      const hash = hashOf(secret);
      const found = known.get(hash);
      if (found === undefined) {
        return lookUp(hash);
      }
      const account = accounts.byName(found.username, arrives);
      return account instanceof Promise
        ? account.then((loaded) => verdictOn(loaded, hash, found) ?? lookUp(hash))
        : (verdictOn(account, hash, found) ?? lookUp(hash));
    },
  };

  /** Undefined where the account has no such session, not any more, or where it looks unused. */
  function verdictOn(account: Account | undefined, hash: string, found: Known): Verdict | undefined {
    const session = account?.sessions.get(hash);
    if (account === undefined || session === undefined) {
      return undefined;
    }
    const usedAt = Math.max(session.lastUsedAt, found.usedAt);
    if (isOver({ ...session, lastUsedAt: usedAt })) {
      return session.expiresAt <= clock() ? OVER : undefined;
    }
    found.usedAt = clock();
    return admitted(account, account.principalIn(session));
  }

  async function lookUp(hash: string): Promise<Verdict> {
    const owner = await ownerOf(hash);
    if (owner === undefined || isOver(owner)) {
      known.delete(hash);
      return OVER;
    }
    const found: Known = { username: owner.username, usedAt: owner.lastUsedAt };
    known.set(hash, found);
    return verdictOn(await accounts.byName(owner.username), hash, found) ?? OVER;
  }

  function isOver({ expiresAt, lastUsedAt }: Pick<Session, 'expiresAt' | 'lastUsedAt'>): boolean {
    const now = clock();
    return expiresAt <= now || lastUsedAt + idleMs <= now;
  }
}

/** No sign-in has failed: a page that is left open goes on to ask, and nobody can tell a session that ended from none. */
const OVER: Refused = {
  refused: 'the session has ended, or there is none',
  told: 'Your session has ended. Sign in again.',
  isOver: true,
};
