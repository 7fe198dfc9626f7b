import type { FastifyRequest } from 'fastify';
import { holdsToken } from '../identity/token-secret.ts';

const OWN_CREDENTIALS = 'x-mlflow-authorization';

/**
 * The credentials of the caller where `Authorization` holds a key for another user: an agent that talks to a model
 * through `/gateway` sends its provider's key there, and its own credentials in `X-MLflow-Authorization`. Undefined
 * where `Authorization` is the caller's own, as it is everywhere else.
 *
 * @see mlflow/server/auth/__init__.py (`_authenticate_fastapi_request`)
 */
export function credentialsBesideProviderKey({ way, raw }: FastifyRequest): string | undefined {
  if (!way.target.path.startsWith('/gateway/')) {
    return undefined;
  }
  const value = raw.headers[OWN_CREDENTIALS];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/**
 * Headers that go on to the provider although they are kept back from MLflow: its own key, once the caller has
 * signed in with another. Basic credentials and tokens of this gateway are no provider's key, and might well be
 * the caller's own.
 */
export function providerHeaders(request: FastifyRequest): readonly string[] {
  const { authorization } = request.raw.headers;
  if (authorization === undefined || credentialsBesideProviderKey(request) === undefined) {
    return [];
  }
  const isKey = !/^basic /i.test(authorization.trim()) && !holdsToken(authorization);
  return isKey ? ['authorization'] : [];
}
