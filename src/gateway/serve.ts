import type { FastifyInstance } from 'fastify';
import type { Handlers } from '../admin/index.ts';
import { ruleOf } from './rule-of.ts';

/** Answers the operations that are the gateway's own, by the handler that their row names. */
export function serve(app: FastifyInstance, handlers: Handlers): void {
  app.addHook('preHandler', (request, reply, done) => {
    const { operation } = request.way;
    const rule = operation && ruleOf(operation, 'serve');
    if (rule === undefined) {
      done();
      return;
    }
    const handler = handlers[rule.handler];
    if (handler === undefined)
      throw new Error(`the table names a handler that is not there: ${rule.handler}`);
    const { principal, query, body, params, target } = request.way;
    const { path } = target;
    const userAgent = request.headers['user-agent'];
    return Promise.resolve(handler({ principal, query, body, params, path, userAgent })).then((answer) =>
      reply.send(answer),
    );
  });
}
