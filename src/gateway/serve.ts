import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { HandlerName } from '../admin/contract/index.ts';
import type { Call } from '../admin/handler.ts';
import type { Handlers } from '../admin/index.ts';
import { rulesBy } from '../mlflow/table/phases.ts';
import type { Store } from '../store/index.ts';
import { changingFor } from './audited.ts';
import { sendReply } from './reply.ts';

/** What the operations of one workspace are served by. */
export interface Serving {
  readonly handlers: Handlers;
  readonly store: Store;
}

export interface ServeOptions {
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** Below which everything is served; empty for none. */
  readonly staticPrefix: string;
}

/** Answers the operations that are the gateway's own, by the handler that their row names. */
export function serve(
  app: FastifyInstance,
  servingOf: (request: FastifyRequest) => Serving,
  { clock, staticPrefix }: ServeOptions,
): void {
  app.addHook('preHandler', (request, reply, done) => {
    const { operation } = request.way;
    // Most requests are forwarded: their rules are not looked through.
    const [rule] = operation?.isOwn === true ? rulesBy('serve', operation.rules) : [];
    if (rule === undefined) {
      done();
      return;
    }
    // Only rows of src/admin/routes.ts serve, and none compiles that names another handler.
    const { handlers, store } = servingOf(request);
    const handler = handlers[rule.handler as HandlerName];
    const { principal, query, body, params, target } = request.way;
    const call: Call = {
      principal,
      query,
      body,
      params,
      path: target.path,
      prefix: staticPrefix,
      headers: request.raw.headers,
      ip: request.ip,
      host: request.host,
      isSecure: request.protocol === 'https',
      changing: changingFor(store, request, reply, clock),
    };
    return Promise.resolve(handler(call)).then((answer) => sendReply(reply, answer));
  });
}
