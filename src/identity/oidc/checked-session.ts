import * as client from 'openid-client';
import { unavailable } from '../../errors.ts';
import { recentlyUsed } from '../../recently-used.ts';
import type { ProviderSession, ProviderSessions } from '../../store/provider-sessions.ts';
import type { Authenticator, Refused, Verdict } from '../principal.ts';
import type { Provided } from './provided.ts';
import type { Provider } from './provider.ts';
import type { Sealing } from './sealed.ts';
import { completed, providedBySignIn, tokensIn } from './sign-in.ts';

export interface CheckedSessionOptions {
  readonly sessions: Pick<ProviderSessions, 'get' | 'hold' | 'checked' | 'release'>;
  readonly providers: readonly Provider[];
  readonly sealing: Sealing;
  /** Has the user in the groups that the provider says now. */
  readonly settle: (provided: Provided) => Promise<string | Refused>;
  /** Ends a session that its provider does not want any more. */
  readonly end: (sessionId: string, because: string) => Promise<void>;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/** How many sessions are known by when they are to be checked. */
const REMEMBERED = 50_000;
/** Longer than a provider may take to answer all that it is asked: what it offers, anew, its keys, who the user is. */
const HOLD_MS = 30_000;
/** How long a request waits for the answer that another one is to have. */
const WAIT_MS = 15_000;
/** How often one looks whether another gateway has its answer. */
const LOOK_MS = 200;

/**
 * Sessions that began at a provider live no longer than it says: when what it said before is over, it is asked whether it
 * still holds, by the token it gave for that (RFC 6749, section 6), one request at a time across all gateways. A session
 * whose provider says no has ended, and the user is in the groups that it says now.
 */
export function createCheckedSession(inner: Authenticator, options: CheckedSessionOptions): Authenticator {
  const { sessions, clock } = options;
  const checkAt = recentlyUsed<number>(REMEMBERED);
  const asking = new Map<string, Promise<Refused | undefined>>();

  return {
    ...inner,
    authenticate(presented) {
      const verdict = inner.authenticate(presented);
      const again = () => inner.authenticate({ ...presented, arrives: false });
      return verdict instanceof Promise
        ? verdict.then((later) => checked(later, again))
        : checked(verdict, again);
    },
  };

  function checked(verdict: Verdict, again: () => Verdict | Promise<Verdict>): Verdict | Promise<Verdict> {
    if (verdict === 'not-mine' || 'refused' in verdict) {
      return verdict;
    }
    const {
      username,
      credential: { id },
    } = verdict;
    if (id === undefined) {
      return verdict;
    }
    if (clock() < (checkAt.get(id) ?? 0)) {
      return verdict;
    }
    const running = asking.get(id) ?? check(id, username).finally(() => asking.delete(id));
    asking.set(id, running);
    // What the provider said may have taken groups or the flag of an admin away, and waiting for it took time.
    return running.then((refused) => refused ?? again());
  }

  /** @returns undefined for a session that goes on. */
  async function check(id: string, username: string): Promise<Refused | undefined> {
    for (let waitedMs = 0; waitedMs < WAIT_MS; waitedMs += LOOK_MS) {
      const session = await sessions.get(id);
      if (session === undefined || clock() < session.checkAt) {
        // One that began by a password is no provider's, for good.
        checkAt.set(id, session?.checkAt ?? Number.POSITIVE_INFINITY);
        return undefined;
      }
      const held = await sessions.hold(id, session.checkAt, HOLD_MS);
      if (held !== undefined) {
        return askProvider(held, username, options);
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    throw unavailable('Your session is being checked at its provider. Try again.');
  }
}

/** What a provider says that has been asked too much is nothing about the session (RFC 6585, section 4). */
const isRefusal = (status: number): boolean => status < 500 && status !== 429;

/**
 * @param username - whose session it is.
 * @returns undefined if the session goes on.
 */
async function askProvider(
  session: ProviderSession,
  username: string,
  options: CheckedSessionOptions,
): Promise<Refused | undefined> {
  const { sessions, providers, sealing, end, settle, clock } = options;
  const { sessionId } = session;
  const provider = providers.find(({ issuer }) => issuer === session.issuer);
  const token = session.refreshToken === undefined ? undefined : sealing.open(session.refreshToken);
  if (provider === undefined || token === undefined) {
    await end(sessionId, 'its provider is not asked any more');
    return OVER;
  }
  let kept: Pick<ProviderSession, 'refreshToken' | 'idToken'> | undefined;
  try {
    const { client: found } = await provider.discover();
    const answer = await client.refreshTokenGrant(found, token);
    const tokens = tokensIn(answer);
    kept = {
      refreshToken: sealing.seal(tokens.refreshToken ?? token),
      idToken: tokens.idToken === undefined ? session.idToken : sealing.seal(tokens.idToken),
    };
    const provided = await saidIn(answer, provider, session, clock);
    const settled = provided === undefined ? username : await settle(provided);
    if (typeof settled !== 'string') {
      await end(sessionId, settled.refused);
      return settled;
    }
    if (settled !== username) {
      await end(sessionId, 'its provider means another user now');
      return OVER;
    }
    await sessions.checked(sessionId, { ...kept, checkAt: clock() + tokens.holdsMs });
    return undefined;
  } catch (error) {
    if (error instanceof client.ResponseBodyError && isRefusal(error.status)) {
      await end(sessionId, `its provider says ${error.error}`);
      return OVER;
    }
    // The token that was shown is used up already: the one that came for it is what to ask by the next time.
    await (kept === undefined
      ? sessions.release(sessionId)
      : sessions.checked(sessionId, { ...kept, checkAt: session.checkAt }));
    throw unavailable(
      `The provider ${provider.name} does not answer whether your session still holds. Try again.`,
      error,
    );
  }
}

/** What a provider says now; undefined if it says nothing of the user. */
async function saidIn(
  answer: client.TokenEndpointResponse & client.TokenEndpointResponseHelpers,
  provider: Provider,
  { subject, issuer }: ProviderSession,
  clock: () => number,
): Promise<Provided | undefined> {
  const { client: found } = await provider.discover();
  const said = answer.claims();
  if (said !== undefined && said.sub !== subject) {
    throw new Error(`${issuer} has answered for another subject`);
  }
  if (said === undefined && found.serverMetadata().userinfo_endpoint === undefined) {
    return undefined;
  }
  const asOf = said === undefined ? clock() : said.iat * 1000;
  const claims = await completed(provider, found, said ?? { sub: subject }, answer.access_token);
  return providedBySignIn(provider, claims, subject, asOf);
}

const OVER: Refused = {
  refused: 'the session has ended at its provider',
  told: 'Your session has ended. Sign in again.',
  isOver: true,
};
