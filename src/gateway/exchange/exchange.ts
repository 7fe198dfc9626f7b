import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { SignedIn } from '../../identity/principal.ts';
import { writeTarget } from '../../mlflow/read/target.ts';
import type { Operation } from '../../mlflow/table/match.ts';
import type { Rule } from '../../mlflow/table/row.ts';
import { ruleOf } from '../../mlflow/table/rule-of.ts';
import { exchangeHeaders, replyHeaders } from '../../mlflow/upstream/headers.ts';
import type { Answer, Exchange, Upstream } from '../../mlflow/upstream/upstream.ts';
import type { RootKind } from '../../policy/resources.ts';
import { adoptAnswered, intentOf, type TrackOptions, track } from '../adoption/track.ts';
import { visibilityOf } from '../judge/visibility.ts';
import type { Extent, Search } from '../search/asked.ts';
import type { PageTokens } from '../search/page-token.ts';
import { createPushDown } from '../search/push-down.ts';
import { searchVisible } from '../search/search.ts';
import { type ConcludeOptions, createConclude } from './conclude.ts';
import { prepare } from './prepare.ts';
import { isWithheld, withheldFrom } from './withhold.ts';

export interface ExchangeOptions extends ConcludeOptions, TrackOptions {
  readonly pageTokens: PageTokens;
}

/** Rules for which the reply is read before anything of it is sent; those of the second set only for users. */
const READ_FOR_EVERYBODY: ReadonlySet<Rule['rule']> = new Set(['adopt', 'rename', 'forget', 'own', 'learn']);
const READ_FOR_USERS: ReadonlySet<Rule['rule']> = new Set([
  'keep',
  'judge-reply',
  'redact',
  'allowed-actions',
]);

/**
 * Handles the operations whose reply matters to the gateway: searches that are filtered, creates whose
 * reply names the new thing, replies that alone tell what was touched. All others are left to stream.
 */
export function exchange(app: FastifyInstance, options: ExchangeOptions): void {
  const { upstream, judge } = options;
  const pushesDown = createPushDown(upstream);
  const extents = new Map<Operation, Extent>();
  const extentOf = (operation: Operation): Extent => {
    const extent = extents.get(operation) ?? { atLeast: 0 };
    extents.set(operation, extent);
    return extent;
  };
  const { keepReadable, afterwards, tellActions } = createConclude(options);

  app.addHook('preHandler', (request, reply, done) => {
    const { operation, principal } = request.way;
    if (operation === undefined || principal.kind === 'anonymous') {
      done();
      return;
    }
    prepare(request, operation, principal, judge, reply);
    const read = request.way.rewrite !== undefined || readsReply(operation, principal);
    if (reply.sent || !read) {
      if (!reply.sent) done();
      return;
    }
    return handle(request, operation, principal).then((answer) => send(reply, answer));
  });

  async function handle(request: FastifyRequest, operation: Operation, caller: SignedIn): Promise<Answer> {
    const answer = await ask(request, operation, caller);
    const actions = caller.isAdmin ? undefined : ruleOf(operation, 'allowed-actions');
    const told = actions === undefined ? answer : tellActions(answer, actions, caller);
    return withheldFrom(told, operation, caller);
  }

  async function ask(request: FastifyRequest, operation: Operation, caller: SignedIn): Promise<Answer> {
    const sent = toExchange(request, upstream);
    const keep = caller.isAdmin ? undefined : ruleOf(operation, 'keep');
    if (keep?.paging !== undefined) {
      const { paging } = keep;
      const visibility = visibilityOf(judge, caller, keep.kind as RootKind, keep.part !== undefined);
      const search: Search = {
        request: sent,
        list: keep.list,
        id: keep.id,
        paging,
        pushesDown: () => pushesDown(operation, keep),
        extent: extentOf(operation),
        userId: caller.id,
        tokens: options.pageTokens,
      };
      return searchVisible(upstream, search, visibility);
    }
    const action = intentOf(operation, request);
    const answer =
      action === undefined
        ? await adoptAnswered(options, sent, operation, caller)
        : await track(options, sent, action, operation, caller);
    return keep === undefined
      ? afterwards(request, operation, caller, answer)
      : keepReadable(answer, keep, caller);
  }
}

function readsReply(operation: Operation, caller: SignedIn): boolean {
  return operation.rules.some(
    (rule) =>
      READ_FOR_EVERYBODY.has(rule.rule) ||
      (!caller.isAdmin && READ_FOR_USERS.has(rule.rule)) ||
      (rule.rule === 'withhold' && isWithheld(rule, caller)),
  );
}

function toExchange(request: FastifyRequest, upstream: Upstream): Exchange {
  const { way } = request;
  const headers = exchangeHeaders(request.raw.headers, {
    host: upstream.host,
    ip: request.ip,
    protocol: request.protocol,
  });
  return {
    method: request.raw.method ?? 'GET',
    target: writeTarget(way.target),
    headers,
    ...(way.bytes !== undefined && way.bytes.length > 0 && { body: way.bytes }),
  };
}

/** Sends an answer that was read whole. */
export function send(reply: FastifyReply, answer: Answer): FastifyReply {
  const headers = replyHeaders(answer.headers);
  delete headers['content-length'];
  return reply.code(answer.status).headers(headers).send(answer.bytes);
}
