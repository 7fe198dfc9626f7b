import type { FastifyInstance } from 'fastify';
import type { HandlerName, Handlers } from '../admin/index.ts';
import { ruleOf } from '../mlflow/table/rule-of.ts';
import { sendReply } from './reply.ts';

/** Answers the operations that are the gateway's own, by the handler that their row names. */
export function serve(
  app: FastifyInstance,
  { handlers, staticPrefix: prefix }: { handlers: Handlers; staticPrefix: string },
): void {
  app.addHook('preHandler', (request, reply, done) => {
    const { operation } = request.way;
    const rule = operation && ruleOf(operation, 'serve');
    if (rule === undefined) {
      done();
      return;
    }
    // Only rows of src/admin/routes.ts serve, and none compiles that names another handler.
    const handler = handlers[rule.handler as HandlerName];
    const { principal, query, body, params, target } = request.way;
    const call = { principal, query, body, params, path: target.path, prefix, headers: request.raw.headers };
    return Promise.resolve(handler(call)).then((answer) => sendReply(reply, answer));
  });
}
