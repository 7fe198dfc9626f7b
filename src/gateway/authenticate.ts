import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ApiError, denied } from '../errors.ts';
import type { Authenticator, Principal, Verdict } from '../identity/principal.ts';
import { credentialsBesideProviderKey } from './provider-key.ts';

const UNAUTHENTICATED =
  'You are not authenticated. Please see ' +
  'https://www.mlflow.org/docs/latest/auth/index.html#authenticating-to-mlflow on how to authenticate.';

/** 401 as MLflow gives it, so that its clients and browsers know what to do. */
export function unauthenticated(because: string): ApiError {
  return new ApiError('UNAUTHENTICATED', UNAUTHENTICATED, {
    because,
    headers: { 'www-authenticate': 'Basic realm="mlflow"' },
  });
}

/**
 * Asks each way of proving identity in turn; the first that does not answer "not mine" decides.
 * Public operations are not asked for credentials, so that a wrong one costs nothing there.
 */
export function authenticate(app: FastifyInstance, ways: readonly Authenticator[]): void {
  app.addHook('onRequest', (request, _reply, done) => {
    if (request.way.operation?.need === 'public') {
      done();
      return;
    }
    return settle(request, ask(ways, request, 0), accept, done);
  });
}

/**
 * Asks once more when a body has been read, however long that took: somebody who is deleted or demoted meanwhile
 * could otherwise keep half-sent requests, and end them whenever they like with the rights they once had.
 */
export function authenticateAgain(app: FastifyInstance, ways: readonly Authenticator[]): void {
  app.addHook('preHandler', (request, _reply, done) => {
    const { bytes } = request.way;
    if (bytes === undefined || bytes.length === 0) {
      done();
      return;
    }
    return settle(request, ask(ways, request, 0), acceptAgain, done);
  });
}

/** Takes a verdict at once where it is at hand, for a known caller costs no turn of the event loop. */
function settle(
  request: FastifyRequest,
  verdict: Verdict | Promise<Verdict>,
  take: (request: FastifyRequest, verdict: Verdict) => void,
  done: () => void,
): Promise<void> | undefined {
  if (verdict instanceof Promise) return verdict.then((later) => take(request, later));
  take(request, verdict);
  done();
  return undefined;
}

function acceptAgain(request: FastifyRequest, verdict: Verdict): void {
  const before = request.way.principal;
  accept(request, verdict);
  const now = request.way.principal;
  if (isAdmin(before) && !isAdmin(now)) {
    // What an admin sends is not read as strictly as it must be to judge somebody else.
    throw denied('You are no admin any more. Send it again.', 'demoted while the request was being sent');
  }
}

const isAdmin = (principal: Principal) => principal.kind === 'user' && principal.isAdmin;

function ask(
  ways: readonly Authenticator[],
  request: FastifyRequest,
  from: number,
): Verdict | Promise<Verdict> {
  for (let index = from; index < ways.length; index++) {
    const verdict = ways[index]?.(headersToAsk(request)) ?? 'not-mine';
    if (verdict instanceof Promise) {
      return verdict.then((later) => (later === 'not-mine' ? ask(ways, request, index + 1) : later));
    }
    if (verdict !== 'not-mine') return verdict;
  }
  return 'not-mine';
}

/** Beside a provider's key nothing but the header made for it says who is calling. */
function headersToAsk(request: FastifyRequest): Readonly<Record<string, unknown>> {
  const own = credentialsBesideProviderKey(request);
  return own === undefined ? request.raw.headers : { authorization: own };
}

function accept(request: FastifyRequest, verdict: Verdict): void {
  if (verdict === 'not-mine') throw unauthenticated('no credentials');
  if (verdict === 'refused') throw unauthenticated('wrong credentials');
  request.way.principal = verdict;
}
