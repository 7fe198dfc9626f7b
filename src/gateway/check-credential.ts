import type { FastifyRequest } from 'fastify';
import { denied } from '../errors.ts';
import { carryOut, type Executors, rulesBy } from '../mlflow/table/phases.ts';

/** Whether a rule opens an operation to a user who has to change the password first. */
const OPENS: Executors<'credential', [], boolean> = { 'with-first-password': () => true };

/**
 * Holds a request against what its credential is good for at all, before anything else is asked.
 *
 * @throws ApiError 403 that says what to do.
 */
export function checkCredential({ way: { principal, operation } }: FastifyRequest): void {
  if (principal.kind !== 'user' || !principal.mustChangePassword) {
    return;
  }
  const rules = rulesBy('credential', operation?.rules ?? []);
  const isOpen = rules.some((rule) => carryOut<'credential', [], boolean>(OPENS, rule));
  if (!isOpen) {
    throw denied(
      `Your password was chosen by another and must be changed first: type mlflow-auth-client update-user-password ${principal.username}, ` +
        'or send PATCH /api/2.0/mlflow/users/update-password with username, current_password and password.',
      'must change the password first',
    );
  }
}
