import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { readCredentials } from '../identity/basic.ts';
import { LOGGED_OUT_PREFIX } from '../identity/logged-out.ts';
import { hasCompanion, noSessionCookies, sessionSecretIn } from '../identity/session-cookie.ts';
import { hashOf } from '../identity/token-secret.ts';
import type { Store } from '../store/index.ts';
import { changingFor } from './audited.ts';
import { sendReply } from './reply.ts';
import { elsewhere } from './same-origin.ts';

export interface LogoutOptions {
  readonly store: Store;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/** What MLflow's Logout calls, as a user that it makes up. */
const CALLED = '/ajax-api/2.0/mlflow/users/current';

/**
 * Ends the session of a browser whose user has chosen Logout in MLflow's own menu, and answers the 401 that MLflow waits
 * for. Beside any other `Authorization` the cookie counts for nothing.
 */
export function logout(app: FastifyInstance, { store, clock }: LogoutOptions): void {
  app.addHook('onRequest', (request, reply, done) => {
    const { cookie } = request.raw.headers;
    const isSecure = cookie !== undefined && request.protocol === 'https';
    const secret = sessionSecretIn(cookie, isSecure);
    if (secret === undefined || !isLogout(request, cookie ?? '')) {
      done();
      return undefined;
    }
    return end(request, reply, secret).then(() =>
      sendReply(reply, {
        status: 401,
        cookies: noSessionCookies(isSecure),
        body: { error_code: 'UNAUTHENTICATED', message: 'You have signed out.' },
        because: 'signed out by the UI of MLflow',
      }),
    );
  });

  async function end(request: FastifyRequest, reply: FastifyReply, secret: string): Promise<void> {
    const session = await store.sessions.byHash(hashOf(secret));
    if (session !== undefined) {
      await changingFor(store, request, reply, clock).sessions.end(session, 'sign-out');
    }
  }
}

function isLogout(request: FastifyRequest, cookie: string): boolean {
  const { headers } = request.raw;
  const { authorization } = headers;
  if (authorization !== undefined) {
    return isMadeUp(authorization) && elsewhere(request) === undefined;
  }
  return request.way.target.path === CALLED && !hasCompanion(cookie) && isCalledFromOwnPage(request);
}

function isMadeUp(authorization: string): boolean {
  return (
    /^basic /i.test(authorization) &&
    readCredentials(authorization)?.username.startsWith(LOGGED_OUT_PREFIX) === true
  );
}

/** As a browser says it: over plain http, and not on localhost, it does by `Referer` alone. */
function isCalledFromOwnPage({ raw: { headers }, host }: FastifyRequest): boolean {
  const { 'sec-fetch-site': site, 'sec-fetch-mode': mode, referer } = headers;
  if (site !== undefined) {
    return site === 'same-origin' && mode === 'cors';
  }
  const from = referer === undefined ? null : URL.parse(referer);
  return from !== null && from.host === URL.parse(`${from.protocol}//${host}`)?.host;
}
