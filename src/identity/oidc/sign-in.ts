import { createHash } from 'node:crypto';
import * as client from 'openid-client';
import { z } from 'zod';
import { issuerKey } from '../../config/providers.ts';
import { ApiError } from '../../errors.ts';
import { type Claims, claimAt, groupsIn, leavesGroupsOut, usernameIn } from './claims.ts';
import type { Provided } from './provided.ts';
import type { Provider } from './provider.ts';
import type { Sealing } from './sealed.ts';

/** How long somebody may take to sign in at a provider. */
export const SIGN_IN_MS = 600_000;

/** A sign-in that has begun, as the browser keeps it, sealed, until it comes back from the provider. */
const PENDING = z.strictObject({
  provider: z.string(),
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  /** Where the provider was told to send the browser. */
  redirectUri: z.string(),
  next: z.string(),
  /** Milliseconds since the epoch. */
  until: z.number(),
});
export type Pending = z.output<typeof PENDING>;

/**
 * Where a provider sends browsers back to.
 *
 * @param address - what browsers call this gateway, with what stands before its paths.
 * @param name - of the provider.
 */
export const redirectUri = (address: string, name: string): string => `${address}/auth/oidc/${name}/callback`;

/** A sign-in that is to begin: where the browser goes, and what it keeps meanwhile. */
export interface Begun {
  readonly address: string;
  readonly state: string;
  readonly sealed: string;
}

/**
 * Begins the authorization code flow (OpenID Connect Core 1.0, section 3.1) with PKCE (RFC 7636), whatever the client is.
 *
 * @throws ApiError 503 if the provider does not answer.
 */
export async function beginSignIn(
  provider: Provider,
  { redirectUri, next }: Pick<Pending, 'redirectUri' | 'next'>,
  sealing: Sealing,
  now: number,
): Promise<Begun> {
  const { client: found } = await provider.discover();
  const verifier = client.randomPKCECodeVerifier();
  const [state, nonce] = [client.randomState(), client.randomNonce()];
  const address = client.buildAuthorizationUrl(found, {
    redirect_uri: redirectUri,
    scope: provider.config.scopes,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
  });
  const pending: Pending = {
    ...{ provider: provider.name, state, nonce, verifier, redirectUri, next },
    until: now + SIGN_IN_MS,
  };
  return { address: address.href, state, sealed: sealing.seal(JSON.stringify(pending)) };
}

/** The sign-in that a browser has begun; undefined for what this gateway has not sealed, or that took too long. */
export function pendingIn(sealed: string | undefined, sealing: Sealing, now: number): Pending | undefined {
  const text = sealed === undefined ? undefined : sealing.open(sealed);
  const read = text === undefined ? undefined : PENDING.safeParse(JSON.parse(text)).data;
  return read !== undefined && now < read.until ? read : undefined;
}

/** Tells one sign-in from others without telling its state. */
export const stateKey = (state: string): string => createHash('sha256').update(state).digest('base64url');

/** What has come of a sign-in at a provider. */
export interface Finished {
  readonly provided: Provided;
  /** The session there, where the provider names it: its logout names it too. */
  readonly sid: string | undefined;
  readonly tokens: ProviderTokens;
}

/** What a provider hands over for a session. */
export interface ProviderTokens {
  readonly idToken: string | undefined;
  readonly refreshToken: string | undefined;
  /** For how long what it says holds, in milliseconds. */
  readonly holdsMs: number;
}

/** How long holds what a provider says that does not say it. */
const HOLDS_MS = 300_000;
/** A provider is not asked more often than this. */
const LEAST_HOLDS_MS = 30_000;

/**
 * Takes what a provider has sent a browser back with: `state` and `nonce` are those of this browser, the code is changed
 * by the one who began (PKCE), and `iss` is the provider that was asked (RFC 9207: no other can have sent it).
 *
 * @param query - of the address that the browser came back to.
 * @throws ApiError 400 for an answer that will not do, 403 for a refusal, 503 if the provider does not answer.
 */
export async function finishSignIn(provider: Provider, pending: Pending, query: string): Promise<Finished> {
  const { client: found } = await provider.discover();
  const address = new URL(pending.redirectUri);
  address.search = query;
  try {
    const tokens = await client.authorizationCodeGrant(found, address, {
      expectedState: pending.state,
      expectedNonce: pending.nonce,
      pkceCodeVerifier: pending.verifier,
      idTokenExpected: true,
    });
    const idClaims = tokens.claims();
    if (idClaims === undefined) {
      throw new Error('there is no id token');
    }
    const claims = await completed(provider, found, idClaims, tokens.access_token);
    const { sid } = idClaims;
    return {
      provided: providedBySignIn(provider, claims, idClaims.sub, idClaims.iat * 1000),
      sid: typeof sid === 'string' ? sid : undefined,
      tokens: tokensIn(tokens),
    };
  } catch (error) {
    throw refusalFor(error, provider);
  }
}

/** What a provider hands over, of an answer of its token endpoint. */
export function tokensIn(
  answer: client.TokenEndpointResponse & Pick<client.TokenEndpointResponseHelpers, 'expiresIn'>,
): ProviderTokens {
  const seconds = answer.expiresIn();
  return {
    idToken: answer.id_token,
    refreshToken: answer.refresh_token,
    holdsMs: Math.max(LEAST_HOLDS_MS, seconds === undefined ? HOLDS_MS : Math.floor(seconds * 1000)),
  };
}

/** What is said of a user, from the id token and, where it lacks name or groups, from the endpoint that has the rest. */
export async function completed(
  { config }: Provider,
  found: client.Configuration,
  claims: Claims & { readonly sub: string },
  accessToken: string,
): Promise<Claims> {
  const isWhole = [config.username_claim, config.groups_claim].every(
    (claim) => claimAt(claims, claim) !== undefined,
  );
  if (isWhole || found.serverMetadata().userinfo_endpoint === undefined) {
    return claims;
  }
  // The subject is held against that of the id token (OpenID Connect Core 1.0, section 5.3.2).
  return { ...(await client.fetchUserInfo(found, accessToken, claims.sub)), ...claims };
}

/** Groups hold until something else is said. */
export function providedBySignIn(
  { config }: Provider,
  claims: Claims,
  subject: string,
  asOf: number,
): Provided {
  const { username_claim: name, groups_claim: groups, issuer } = config;
  return {
    provider: config,
    issuer: issuerKey(issuer),
    subject,
    username: usernameIn(claims, name),
    groups: leavesGroupsOut(claims, groups) ? undefined : groupsIn(claims, groups),
    // Seconds of a provider may have fractions (RFC 7519, section 2); the store keeps whole milliseconds.
    asOf: Math.floor(asOf),
    until: undefined,
  };
}

/** What the user is told of an answer that will not do: nothing of what is in it, for anybody can make one up. */
function refusalFor(error: unknown, { name }: Provider): ApiError {
  if (error instanceof ApiError) {
    return error;
  }
  const cause = error instanceof Error ? error : undefined;
  if (error instanceof client.AuthorizationResponseError) {
    return new ApiError('PERMISSION_DENIED', `The sign-in at ${name} was not completed. Try again.`, {
      because: `${name} answers ${error.error}`,
      cause,
    });
  }
  const isAway =
    error instanceof TypeError || (cause !== undefined && 'code' in cause && cause.code === 'OAUTH_TIMEOUT');
  return isAway
    ? new ApiError('TEMPORARILY_UNAVAILABLE', `The provider ${name} does not answer. Try again.`, { cause })
    : new ApiError('BAD_REQUEST', `What came back from ${name} will not do. Sign in again.`, {
        because: `the answer of ${name} will not do: ${cause?.message}`,
        cause,
      });
}
