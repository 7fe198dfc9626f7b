import type { FastifyRequest } from 'fastify';
import { denied } from '../errors.ts';
import { rulesBy } from '../mlflow/table/phases.ts';

/**
 * Holds a request against what its credential is good for at all, before anything else is asked.
 *
 * @throws ApiError 403 that says what to do.
 */
export function checkCredential({ way: { principal, operation } }: FastifyRequest): void {
  if (principal.kind !== 'user' || !principal.mustChangePassword) {
    return;
  }
  const isOpen = operation !== undefined && rulesBy('credential', operation.rules).length > 0;
  if (!isOpen) {
    throw denied(
      `Your password was chosen by another and must be changed first: type mlflow-auth-client update-user-password ${principal.username}, ` +
        'or send PATCH /api/2.0/mlflow/users/update-password with username, current_password and password.',
      'must change the password first',
    );
  }
}
