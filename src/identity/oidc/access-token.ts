import { decodeJwt, decodeProtectedHeader, errors, jwtVerify } from 'jose';
import { issuerKey, type ProviderConfig } from '../../config/providers.ts';
import { ApiError } from '../../errors.ts';
import type { Refused } from '../principal.ts';
import type { Claims } from './claims.ts';
import type { Provider } from './provider.ts';

/** How far the clocks of a provider and of this machine may be apart. */
export const LEEWAY_SECONDS = 30;

/** What signs with a secret that both sides know would make the public key of a provider that secret. */
export const ALGORITHMS: string[] = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
];

/** What access tokens say that they are (RFC 9068, section 2.1), or providers that are older. */
const TYPES: readonly unknown[] = [
  undefined,
  'jwt',
  'at+jwt',
  'application/at+jwt',
  'application/okta-internal-at+jwt',
];

/** What stands in id tokens alone: they tell a client who has signed in, and are no key to anything. */
const ID_TOKEN_CLAIMS = ['nonce', 'at_hash', 'c_hash', 's_hash'];
/** What stands in access tokens alone. */
const ACCESS_TOKEN_CLAIMS = ['scope', 'scp', 'client_id', 'appid', 'idtyp'];
/** Claims that name the client that a token was given to. */
const PARTY_CLAIMS = ['azp', 'client_id', 'appid', 'cid'];

/** An access token that holds. */
export interface Verified {
  readonly provider: Provider;
  /** As the store knows it, see `issuerKey`. */
  readonly issuer: string;
  readonly subject: string;
  readonly claims: Claims;
  /** Milliseconds since the epoch. */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** Whether a text has the form of a signed JWT (RFC 7515, section 7.1), of whatever worth. */
export const isJwt = (text: string): boolean => /^[\w-]+\.[\w-]+\.[\w-]*$/.test(text);

/** The issuer that a token names before anything of it is proved; undefined if it cannot be read. */
export function issuerIn(token: string): string | undefined {
  try {
    decodeProtectedHeader(token);
    const { iss } = decodeJwt(token);
    return typeof iss === 'string' ? iss : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Checks an access token (RFC 9068, section 4) by the keys that its provider names, never by any that the token does.
 *
 * @param now - milliseconds since the epoch.
 * @throws ApiError 503 if the provider does not answer.
 */
export async function verifyAccessToken(
  token: string,
  provider: Provider,
  now: number,
): Promise<Verified | Refused> {
  const { issuer, keys } = await provider.discover();
  const { audience } = provider.config;
  try {
    const { payload, protectedHeader } = await jwtVerify(token, keys, {
      issuer,
      audience: [...audience],
      algorithms: ALGORITHMS,
      clockTolerance: LEEWAY_SECONDS,
      currentDate: new Date(now),
      requiredClaims: ['sub', 'exp', 'iat'],
    });
    const { sub = '', iat = 0, exp = 0 } = payload;
    const claims: Claims = payload;
    const problem =
      (iat * 1000 > now + LEEWAY_SECONDS * 1000 ? 'it is issued in the future' : undefined) ??
      (typeof sub !== 'string' || sub === '' ? 'it has no subject' : undefined) ??
      typeProblem(protectedHeader.typ, claims, provider.config) ??
      partyProblem(claims, provider);
    if (problem !== undefined) {
      return refusal(provider, problem);
    }
    return {
      provider,
      issuer: issuerKey(issuer),
      subject: sub,
      claims,
      // Seconds may have fractions (RFC 7519, section 2); the store keeps whole milliseconds.
      issuedAt: Math.floor(iat * 1000),
      expiresAt: Math.floor(exp * 1000),
    };
  } catch (error) {
    return refusedFor(error, provider);
  }
}

function refusedFor(error: unknown, provider: Provider): Refused {
  if (error instanceof errors.JWTExpired) {
    return {
      ...refusal(provider, 'it has expired'),
      told: `Your token of ${provider.name} has expired. Get another from there.`,
    };
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    return refusal(provider, `its ${error.claim} will not do`);
  }
  if (error instanceof ApiError) {
    throw error;
  }
  if (error instanceof errors.JOSEError && !UNANSWERED.includes(error.code)) {
    return refusal(provider, error.message);
  }
  throw new ApiError(
    'TEMPORARILY_UNAVAILABLE',
    `The keys of the provider ${provider.name} cannot be had. Try again.`,
    {
      cause: error,
      headers: { 'retry-after': '1' },
    },
  );
}

/** Codes of jose for keys that could not be had, or read. */
const UNANSWERED = ['ERR_JWKS_TIMEOUT', 'ERR_JOSE_GENERIC', 'ERR_JWKS_INVALID'];

const refusal = ({ name }: Provider, problem: string): Refused => ({
  refused: `the token of ${name}: ${problem}`,
});

/** Why a token is no access token, as far as it tells; undefined if it may be one. */
function typeProblem(type: unknown, claims: Claims, { client_id: ours }: ProviderConfig): string | undefined {
  const typ = typeof type === 'string' ? type.toLowerCase() : type;
  if (!TYPES.includes(typ)) {
    return 'its typ is not that of an access token';
  }
  // Keycloak says what it is beside who it is of: Bearer, ID, Refresh, Logout.
  const kind = claims['typ'];
  if (kind === 'Bearer' || (typeof typ === 'string' && typ.includes('at+jwt'))) {
    return undefined;
  }
  if (kind !== undefined) {
    return 'it is no access token';
  }
  const isIdToken =
    ID_TOKEN_CLAIMS.some((claim) => claim in claims) ||
    (isForItsClient(claims, ours) && !ACCESS_TOKEN_CLAIMS.some((claim) => claim in claims));
  return isIdToken ? 'it is an id token' : undefined;
}

/** An id token is for the client that it was given to: one that it names, or the gateway itself. */
function isForItsClient({ aud, azp }: Claims, ours: string | undefined): boolean {
  const isFor = (client: unknown) =>
    client !== undefined && (aud === client || (Array.isArray(aud) && aud.includes(client)));
  return isFor(azp) || isFor(ours);
}

function partyProblem(
  claims: Claims,
  { config: { authorized_parties: allowed } }: Provider,
): string | undefined {
  const named = PARTY_CLAIMS.flatMap((claim) => (claim in claims ? [claims[claim]] : []));
  if (!named.every((party) => typeof party === 'string')) {
    return 'its azp cannot be read';
  }
  if (allowed === undefined) {
    return undefined;
  }
  return named.length > 0 && named.every((party) => allowed.includes(String(party)))
    ? undefined
    : 'the client that it was given to is none of authorized_parties';
}
