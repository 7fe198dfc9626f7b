import { parseCookie, stringifySetCookie } from 'cookie';
import * as client from 'openid-client';
import type { ReadingStore } from '../../audit/changing.ts';
import { ApiError, notFound } from '../../errors.ts';
import { verifyLogoutToken } from '../../identity/oidc/logout-token.ts';
import type { Provided } from '../../identity/oidc/provided.ts';
import type { Provider } from '../../identity/oidc/provider.ts';
import type { Sealing } from '../../identity/oidc/sealed.ts';
import {
  beginSignIn,
  type Finished,
  finishSignIn,
  type Pending,
  pendingIn,
  redirectUri,
  SIGN_IN_MS,
  stateKey,
} from '../../identity/oidc/sign-in.ts';
import type { Refused } from '../../identity/principal.ts';
import type { Reply } from '../../reply.ts';
import type { BegunThere } from '../deeds/sessions.ts';
import type { Call } from '../handler.ts';
import { checkedNext } from './next.ts';
import { form, type SignInParts } from './sign-in.ts';
import { signedIn } from './signed-in.ts';

/** What a sign-in by a provider is made of. */
export interface SingleSignOn {
  readonly providers: readonly Provider[];
  /** Keeps what a browser holds while its user signs in. */
  readonly pending: Sealing;
  /** Keeps what a provider hands over for a session. */
  readonly tokens: Sealing;
  readonly settle: (provided: Provided) => Promise<string | Refused>;
  /** What others call this gateway; undefined for what a browser calls it. */
  readonly publicUrl: string | undefined;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

export interface ProviderSignInParts extends SignInParts {
  readonly store: Pick<ReadingStore, 'users' | 'sessions' | 'providerSessions'>;
  readonly singleSignOn: SingleSignOn;
}

/** Sign-in at a provider of single sign-on, and its word that a session has ended. */
export function providerSignInHandlers(parts: ProviderSignInParts) {
  const { singleSignOn } = parts;
  return {
    async 'oidc.start'(call: Call): Promise<Reply> {
      const provider = namedIn(call, singleSignOn);
      const next = keepable(checkedNext(call.query.get('next')?.[0], call.prefix), call.prefix);
      try {
        const begun = await beginSignIn(
          provider,
          { redirectUri: redirectUri(addressOf(call, singleSignOn), provider.name), next },
          singleSignOn.pending,
          singleSignOn.clock(),
        );
        return {
          status: 303,
          headers: { location: begun.address, 'cache-control': 'no-store' },
          cookies: [...noneTooMany(call), pendingCookie(begun.state, begun.sealed, call.isSecure)],
        };
      } catch (error) {
        return failed(call, parts, next, error);
      }
    },

    async 'oidc.callback'(call: Call): Promise<Reply> {
      const provider = namedIn(call, singleSignOn);
      const [state = '', another] = call.query.get('state') ?? [];
      const pending = another === undefined ? pendingOf(call, state, provider, singleSignOn) : undefined;
      if (pending === undefined) {
        return failed(call, parts, undefined, unexpected('the state is not one that this browser has begun'));
      }
      const answer = await comeBack(call, parts, provider, pending).catch((error: unknown) =>
        failed(call, parts, pending.next, error),
      );
      return {
        ...answer,
        cookies: [...(answer.cookies ?? []), pendingCookie(state, '', call.isSecure)],
      };
    },

    'oidc.backChannelLogout': (call: Call) => logOutThere(call, parts),
  };
}

/** Begins a session for whom a provider has sent back. */
async function comeBack(
  call: Call,
  parts: ProviderSignInParts,
  provider: Provider,
  pending: Pending,
): Promise<Reply> {
  const { store, singleSignOn } = parts;
  if (!(await call.changing.providerSessions.use(stateKey(pending.state), SIGN_IN_MS))) {
    throw unexpected('the state was used before');
  }
  const finished = await finishSignIn(provider, pending, queryOf(call));
  const username = await singleSignOn.settle(finished.provided);
  if (typeof username !== 'string') {
    return refused(call, parts, pending.next, username);
  }
  const user = await store.users.get(username);
  const answer =
    user &&
    (await signedIn(
      call,
      { sessions: store.sessions, parts: parts.sessions },
      {
        userId: user.id,
        by: { kind: 'oidc', id: provider.name },
        still: () => true,
        next: pending.next,
        there: begunThere(finished, singleSignOn),
      },
    ));
  return (
    answer ??
    refused(call, parts, pending.next, {
      refused: 'the user is disabled, or was unlinked',
      triedAs: username,
    })
  );
}

/** A session that its provider gives no token to ask again by lives no longer than what was said. */
function begunThere(
  { provided, sid, tokens: { refreshToken, idToken, holdsMs } }: Finished,
  { tokens, clock }: SingleSignOn,
): BegunThere {
  const { issuer, subject } = provided;
  return {
    lifeMs: refreshToken === undefined ? holdsMs : undefined,
    session: {
      ...{ issuer, subject, sid },
      refreshToken: refreshToken === undefined ? undefined : tokens.seal(refreshToken),
      idToken: idToken === undefined ? undefined : tokens.seal(idToken),
      checkAt: clock() + holdsMs,
    },
  };
}

/** Ends sessions because their provider says so (OpenID Connect Back-Channel Logout 1.0, section 2.5). */
async function logOutThere(call: Call, { store, singleSignOn }: ProviderSignInParts): Promise<Reply> {
  const provider = namedIn(call, singleSignOn);
  const { logout_token: token } = call.body;
  const headers = { 'cache-control': 'no-store' };
  const said =
    typeof token === 'string' ? await verifyLogoutToken(token, provider, singleSignOn.clock()) : undefined;
  // Said once: a word that was overheard ends no session that began after it.
  const isNew =
    said !== undefined &&
    (await call.changing.providerSessions.use(stateKey(`${provider.name} ${said.jti}`), SIGN_IN_MS));
  if (!isNew) {
    const body = { error: 'invalid_request', error_description: 'The logout token will not do.' };
    return { status: 400, headers, body };
  }
  for (const id of await store.providerSessions.endedThere(said.ended)) {
    const session = await store.sessions.get(id);
    if (session !== undefined) {
      await call.changing.sessions.end(session, 'deleted');
    }
  }
  return { headers, body: {}, because: `the provider ${provider.name} says that it has ended` };
}

/**
 * Where a browser goes that has left a session which began at a provider, to leave it there too (OpenID Connect
 * RP-Initiated Logout 1.0); undefined if there is no such place, or the provider does not answer.
 */
export async function leavingAddress(
  call: Call,
  sessionId: string,
  { store, singleSignOn }: Pick<ProviderSignInParts, 'store' | 'singleSignOn'>,
): Promise<string | undefined> {
  const session = await store.providerSessions.get(sessionId);
  const provider = singleSignOn.providers.find(({ issuer }) => issuer === session?.issuer);
  if (session === undefined || provider === undefined) {
    return undefined;
  }
  try {
    const { client: found } = await provider.discover();
    if (found.serverMetadata().end_session_endpoint === undefined) {
      return undefined;
    }
    const idToken = session.idToken === undefined ? undefined : singleSignOn.tokens.open(session.idToken);
    return client.buildEndSessionUrl(found, {
      post_logout_redirect_uri: `${addressOf(call, singleSignOn)}/auth/sign-in`,
      ...(idToken !== undefined && { id_token_hint: idToken }),
    }).href;
  } catch {
    return undefined;
  }
}

/** @throws ApiError 404 if no user can sign in by a provider of the name in the path. */
function namedIn({ params }: Call, { providers }: SingleSignOn): Provider {
  const found = providers.find(
    ({ name, config }) => name === params['name'] && config.client_id !== undefined,
  );
  if (found === undefined) {
    throw notFound('There is no such provider of single sign-on.');
  }
  return found;
}

/** What browsers call this gateway, with what stands before its paths. */
export function addressOf(
  { host, isSecure, prefix }: Call,
  { publicUrl }: Pick<SingleSignOn, 'publicUrl'>,
): string {
  return `${publicUrl ?? `${isSecure ? 'https' : 'http'}://${host}`}${prefix}`;
}

const queryOf = ({ query }: Call): string =>
  new URLSearchParams(
    [...query].flatMap(([name, values]) => values.map((value): [string, string] => [name, value])),
  ).toString();

/** What the names of all cookies of sign-ins begin with. */
const cookiePrefix = (isSecure: boolean): string => `${isSecure ? '__Host-' : ''}mlflow-gateway-oidc-`;

/** A cookie for each sign-in: those that are open in several tabs do not get into each other's way. */
const cookieNameOf = (state: string, isSecure: boolean): string =>
  cookiePrefix(isSecure) + stateKey(state).slice(0, 12);

/**
 * How many sign-ins a browser keeps. A page of another site can have it begin any number, whose cookies together would be
 * a head that no server takes: its user would be kept out.
 */
const MOST_PENDING = 4;
/** Browsers keep no cookie of more than 4096 bytes. */
const LONGEST_NEXT = 1_500;

const keepable = (next: string, prefix: string): string => (next.length > LONGEST_NEXT ? `${prefix}/` : next);

/** Takes sign-ins away from a browser that keeps as many as it may: those that it names first are the oldest (RFC 6265, 5.4). */
function noneTooMany({ headers, isSecure }: Call): readonly string[] {
  const open = Object.keys(parseCookie(headers.cookie ?? '')).filter((name) =>
    name.startsWith(cookiePrefix(isSecure)),
  );
  return open
    .slice(0, Math.max(0, open.length - MOST_PENDING + 1))
    .map((name) => cookieOf(name, '', isSecure));
}

const pendingCookie = (state: string, sealed: string, isSecure: boolean): string =>
  cookieOf(cookieNameOf(state, isSecure), sealed, isSecure);

/** Sent along where the provider sends the browser back, as opening a page (`SameSite=Lax`). Empty to take it away. */
function cookieOf(name: string, sealed: string, isSecure: boolean): string {
  return stringifySetCookie({
    ...{ name, value: sealed, path: '/', httpOnly: true, sameSite: 'lax' },
    secure: isSecure,
    maxAge: sealed === '' ? 0 : SIGN_IN_MS / 1000,
  });
}

/** The sign-in that this browser has begun at this provider, and no other (RFC 9700, section 4.4: mix-up). */
function pendingOf(
  { headers, isSecure }: Call,
  state: string,
  { name }: Provider,
  { pending: sealing, clock }: SingleSignOn,
): Pending | undefined {
  const sealed = parseCookie(headers.cookie ?? '')[cookieNameOf(state, isSecure)];
  const pending = pendingIn(sealed, sealing, clock());
  return pending?.state === state && pending.provider === name ? pending : undefined;
}

const unexpected = (because: string): ApiError =>
  new ApiError(
    'BAD_REQUEST',
    'This sign-in was not begun in this browser, was used already, or took too long. Sign in again.',
    { because },
  );

function refused(call: Call, parts: ProviderSignInParts, next: string, verdict: Refused): Reply {
  const error =
    verdict.error ??
    new ApiError('UNAUTHENTICATED', verdict.told ?? 'You may not sign in here. Ask an admin.', {
      because: verdict.refused,
    });
  return failed(call, parts, next, error, verdict.triedAs);
}

/** The sign-in page with what went wrong: other ways of signing in stand there. */
function failed(
  call: Call,
  parts: ProviderSignInParts,
  next: string | undefined,
  error: unknown,
  triedAs?: string,
): Reply {
  if (!(error instanceof ApiError)) {
    throw error;
  }
  const shown = form(call, parts, { next, problem: error.message, status: error.status });
  return { ...shown, headers: { ...shown.headers, ...error.headers }, failedSignIn: { error, triedAs } };
}
