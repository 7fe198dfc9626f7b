import type { FastifyInstance } from 'fastify';
import { type Handlers, Page } from '../admin/index.ts';
import { ruleOf } from '../mlflow/table/rule-of.ts';

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
    const { headers } = request.raw;
    return Promise.resolve(handler({ principal, query, body, params, path, headers })).then((answer) =>
      answer instanceof Page ? reply.headers(answer.headers).send(answer.html) : reply.send(answer),
    );
  });
}
