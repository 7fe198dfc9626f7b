import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Census } from './census.ts';

/**
 * Has requests judged by what MLflow has: a grant on an experiment that is gone opens none that has got its id since.
 *
 * @param askAgain - asks for the sender of a request once more, with the grants that are left.
 */
export function look(
  app: FastifyInstance,
  censusOf: (request: FastifyRequest) => Census,
  askAgain: (request: FastifyRequest) => Promise<void>,
): void {
  app.addHook('preHandler', (request, _reply, done) => {
    const looking = begin(request, censusOf(request));
    if (looking !== undefined) {
      return looking.then(() => askAgain(request));
    }
    done();
    return undefined;
  });
}

function begin({ way }: FastifyRequest, census: Census): Promise<void> | undefined {
  const { operation, principal, unrestricted } = way;
  if (principal.kind === 'anonymous' || operation === undefined) {
    return undefined;
  }
  // What an admin may do does not depend on it, but on whose what they make or grant is.
  if (unrestricted && !operation.isOwn && !operation.tracks) {
    return undefined;
  }
  if (operation.looksAfresh) {
    // Users and grants are there for their administrators while MLflow is not.
    return operation.isOwn ? census.afresh().catch(() => undefined) : census.afresh();
  }
  return operation.isOwn ? undefined : census.lately();
}
