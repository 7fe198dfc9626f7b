import type { FastifyInstance } from 'fastify';
import type { createMatcher } from '../mlflow/table/match.ts';

/** Finds the row of the table that a request is. What has none stays without: only an admin may pass. */
export function match(app: FastifyInstance, find: ReturnType<typeof createMatcher>): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const found = find(request.raw.method ?? '', request.way.target);
    if (found !== undefined) {
      request.way.operation = found.operation;
      request.way.params = found.params;
    }
    done();
  });
}
