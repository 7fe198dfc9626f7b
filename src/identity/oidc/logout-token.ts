import { errors, jwtVerify } from 'jose';
import { z } from 'zod';
import { issuerKey } from '../../config/providers.ts';
import type { EndedThere } from '../../store/provider-sessions.ts';
import { ALGORITHMS, LEEWAY_SECONDS } from './access-token.ts';
import type { Provider } from './provider.ts';

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
/** How old a logout token may be: one that was kept ends nothing. */
const OLDEST_SECONDS = 300;

const CLAIMS = z
  .object({
    iat: z.number(),
    jti: z.string().min(1),
    sub: z.string().min(1).optional(),
    sid: z.string().min(1).optional(),
    events: z.object({ [EVENT]: z.object({}) }),
    // So that no id token passes for one.
    nonce: z.undefined().optional(),
  })
  .refine(({ sub, sid }) => sub !== undefined || sid !== undefined);

/** What a provider says has ended, and what tells this word of it from all others. */
export interface LoggedOut {
  readonly ended: EndedThere;
  readonly jti: string;
}

/**
 * Checks a logout token (OpenID Connect Back-Channel Logout 1.0, section 2.6).
 *
 * @param now - milliseconds since the epoch.
 * @returns undefined if it is none, or not of this provider.
 * @throws ApiError 503 if the provider does not answer.
 */
export async function verifyLogoutToken(
  token: string,
  provider: Provider,
  now: number,
): Promise<LoggedOut | undefined> {
  const { client_id: audience } = provider.config;
  if (audience === undefined) {
    return undefined;
  }
  const { issuer, keys } = await provider.discover();
  try {
    const { payload, protectedHeader } = await jwtVerify(token, keys, {
      ...{ issuer, audience, algorithms: ALGORITHMS, clockTolerance: LEEWAY_SECONDS },
      maxTokenAge: OLDEST_SECONDS,
      currentDate: new Date(now),
    });
    const typ = protectedHeader.typ?.toLowerCase();
    const claims = CLAIMS.safeParse(payload).data;
    if (claims === undefined || (typ !== undefined && typ !== 'logout+jwt' && typ !== 'jwt')) {
      return undefined;
    }
    const { sub, sid, jti } = claims;
    return { ended: { issuer: issuerKey(issuer), subject: sub, sid }, jti };
  } catch (error) {
    if (
      error instanceof errors.JOSEError &&
      error.code !== 'ERR_JWKS_TIMEOUT' &&
      error.code !== 'ERR_JOSE_GENERIC'
    ) {
      return undefined;
    }
    throw error;
  }
}
