import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ApiError, denied } from '../errors.ts';
import { isCalledByPage, opensPage } from '../identity/browser.ts';
import type { Authenticator, Presented, Verdict } from '../identity/principal.ts';
import { within } from '../identity/within.ts';
import { mayDoEverything } from '../policy/decide.ts';
import type { EndOfTurn } from './end-of-turn.ts';
import { credentialsBesideProviderKey } from './provider-key.ts';
import { signInAddress } from './sign-in-address.ts';

const UNAUTHENTICATED =
  'You are not authenticated. Please see ' +
  'https://www.mlflow.org/docs/latest/auth/index.html#authenticating-to-mlflow on how to authenticate.';

/**
 * Asks each way of proving identity in turn; the first that does not answer "not mine" decides.
 * Public operations are not asked for credentials, so that a wrong one costs nothing there.
 *
 * Requests that come in one turn of the event loop are judged once all of them have come.
 *
 * @param prefix - before every path of this gateway; empty for none.
 */
export function authenticate(
  app: FastifyInstance,
  ways: readonly Authenticator[],
  prefix: string,
  endOfTurn: EndOfTurn,
): void {
  const { accept } = acceptBy(ways, prefix);
  app.addHook('onRequest', ({ raw, way }, _reply, done) =>
    endOfTurn.at('arrivals', () => {
      way.cameWhole = raw.complete;
      done();
    }),
  );
  app.addHook('onRequest', (request, _reply, done) => {
    if (request.way.operation?.need === 'public') {
      done();
      return;
    }
    return settle(request, ask(ways, present(request, true), 0), accept, done);
  });
}

/**
 * Asks once more when a body has been read that did not come with its head: a user who is deleted or demoted meanwhile
 * could otherwise keep half-sent requests, and end them at will with the rights they once had.
 */
export function authenticateAgain(
  app: FastifyInstance,
  ways: readonly Authenticator[],
  prefix: string,
): void {
  const { acceptAgain } = acceptBy(ways, prefix);
  app.addHook('preHandler', (request, _reply, done) => {
    if (!request.way.cameLate || request.way.operation?.need === 'public') {
      done();
      return;
    }
    return settle(request, ask(ways, present(request), 0), acceptAgain, done);
  });
}

/**
 * Creates a check that asks once more at any time, for a body that streams on.
 *
 * @returns a check that throws ApiError 401, or 403 for a caller who is no admin any more.
 */
export function createAskAgain(
  ways: readonly Authenticator[],
  prefix: string,
): (request: FastifyRequest) => Promise<void> {
  const { acceptAgain } = acceptBy(ways, prefix);
  return async (request) => acceptAgain(request, await ask(ways, present(request), 0));
}

/** Takes a verdict at once where it is at hand: a known caller costs no turn of the event loop. */
function settle(
  request: FastifyRequest,
  verdict: Verdict | Promise<Verdict>,
  take: (request: FastifyRequest, verdict: Verdict) => void,
  done: () => void,
): Promise<void> | undefined {
  if (verdict instanceof Promise) {
    return verdict.then((later) => take(request, later));
  }
  take(request, verdict);
  done();
  return undefined;
}

/** What becomes of a request by the verdict about it, under the challenges of all ways. */
function acceptBy(ways: readonly Authenticator[], prefix: string) {
  const challenges = ways.flatMap(({ challenge }) => challenge ?? []);

  /**
   * 401 as MLflow gives it, so that its clients know what to do. Whoever opens a page is sent to the one where to sign in,
   * and what a page calls gets no challenge: its browser would ask for a password in a window of its own.
   */
  function unauthenticated(request: FastifyRequest, because: string, told = UNAUTHENTICATED): ApiError {
    if (request.raw.headers.authorization === undefined && opensPage(request)) {
      const headers = { location: signInAddress(prefix, request.url), 'cache-control': 'no-store' };
      return new ApiError('UNAUTHENTICATED', told, { because, status: 303, headers });
    }
    const challenge = { 'www-authenticate': challenges.join(', ') };
    return new ApiError('UNAUTHENTICATED', told, {
      because,
      headers: isCalledByPage(request) ? {} : challenge,
    });
  }

  function accept(request: FastifyRequest, verdict: Verdict): void {
    const { way } = request;
    if (verdict === 'not-mine') {
      throw unauthenticated(request, 'no credentials');
    }
    if ('refused' in verdict) {
      way.triedAs = verdict.triedAs;
      way.signInFailed = verdict.isOver !== true;
      throw verdict.error ?? unauthenticated(request, verdict.refused, verdict.told);
    }
    way.principal = way.workspace === undefined ? verdict : within(verdict, way.workspace);
    way.signedIn ||= verdict.isSignIn === true;
    // What is let pass goes on to be.
    way.unrestricted = mayDoEverything(verdict) || (way.reported && verdict.ceiling === undefined);
  }

  function acceptAgain(request: FastifyRequest, verdict: Verdict): void {
    const before = request.way.unrestricted;
    accept(request, verdict);
    if (before && !request.way.unrestricted) {
      // What an admin sends is not read as strictly as it must be to judge another user.
      throw denied('You are no admin any more. Send it again.', 'demoted while the request was being sent');
    }
  }

  return { accept, acceptAgain };
}

function ask(ways: readonly Authenticator[], presented: Presented, from: number): Verdict | Promise<Verdict> {
  for (let index = from; index < ways.length; index++) {
    const verdict = ways[index]?.authenticate(presented) ?? 'not-mine';
    if (verdict instanceof Promise) {
      return verdict.then((later) => (later === 'not-mine' ? ask(ways, presented, index + 1) : later));
    }
    if (verdict !== 'not-mine') {
      return verdict;
    }
  }
  return 'not-mine';
}

/**
 * Beside a provider's key nothing but the header made for it says who is calling.
 *
 * @param arrives - whether this is the first look at the request, right after those of others that have come with it.
 */
function present(request: FastifyRequest, arrives = false): Presented {
  const own = credentialsBesideProviderKey(request);
  return {
    headers: own === undefined ? request.raw.headers : { authorization: own },
    ip: request.ip,
    method: request.raw.method ?? '',
    path: request.way.target.path,
    isSecure: request.raw.headers.cookie !== undefined && request.protocol === 'https',
    arrives,
  };
}
