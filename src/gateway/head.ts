import type { FastifyInstance } from 'fastify';
import { ApiError } from '../errors.ts';
import type { Operation } from '../mlflow/table/match.ts';

/** HEAD is judged as GET; what then cannot be answered as GET would be is refused. */
export function head(app: FastifyInstance): void {
  app.addHook('preHandler', (request, _reply, done) => {
    const { operation, target } = request.way;
    if (
      request.raw.method === 'HEAD' &&
      operation !== undefined &&
      !answersHead(operation, target.rawQuery)
    ) {
      throw new ApiError('METHOD_NOT_ALLOWED', 'This request is served to GET alone.', {
        headers: { allow: 'GET' },
      });
    }
    done();
  });
}

/**
 * MLflow's handlers run for HEAD, but look for their parameters in its body: what was judged by the query would
 * be carried out without it. Files, which their path names, and the gateway's own answers are another matter.
 */
function answersHead({ need, isOwn, locators, shape }: Operation, query: string | undefined): boolean {
  if (need === 'public' || isOwn) return true;
  if (query) return false;
  return (
    shape === undefined ||
    (locators.length > 0 && locators.every(({ from }) => from.every((place) => place.startsWith('path.'))))
  );
}
