import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { SignedIn } from '../../identity/principal.ts';
import { propertyAt } from '../../mlflow/read/property-at.ts';
import { writeTarget } from '../../mlflow/read/target.ts';
import type { Operation } from '../../mlflow/table/match.ts';
import { ruleOf } from '../../mlflow/table/rule-of.ts';
import type { Home } from '../../mlflow/upstream/addresses.ts';
import { replyJson } from '../../mlflow/upstream/answer-json.ts';
import { exchangeHeaders, replyHeaders } from '../../mlflow/upstream/headers.ts';
import { type Answer, type Exchange, timeLeft, type Upstream } from '../../mlflow/upstream/upstream.ts';
import { bringing } from '../adoption/brought.ts';
import { adoptAnswered, intentOf, type TrackOptions, track } from '../adoption/track.ts';
import { methodFor } from '../method-for.ts';
import type { Judged } from '../reference.ts';
import { sendReply } from '../reply.ts';
import type { Extent, Search } from '../search/asked.ts';
import { identityOf } from '../search/identity.ts';
import type { PageTokens } from '../search/page-token.ts';
import { createPushDown } from '../search/push-down.ts';
import { searchVisible } from '../search/search.ts';
import { sendBytes } from '../send-bytes.ts';
import { type ConcludeOptions, concerns, createConclude } from './conclude.ts';
import { followWorkspace, type WorkspaceOptions } from './follow-workspace.ts';
import { shownTo } from './keep.ts';
import { prepare } from './prepare.ts';

export interface ExchangeOptions extends ConcludeOptions, TrackOptions, WorkspaceOptions {
  readonly pageTokens: PageTokens;
}

/** What has the requests about one workspace answered. */
export interface Exchanger extends Pick<ExchangeOptions, 'upstream' | 'judge'> {
  handle(request: FastifyRequest, operation: Operation, caller: SignedIn): Promise<Answer>;
}

/**
 * Handles the operations whose reply matters to the gateway: searches that are filtered, creates whose
 * reply names the new thing, replies that alone tell what was touched. All others are left to stream.
 */
export function exchange(app: FastifyInstance, at: (request: FastifyRequest) => Exchanger): void {
  prepareEach(app, at);
  app.addHook('preHandler', (request, reply, done) => {
    const { operation, principal } = request.way;
    if (
      operation === undefined ||
      principal.kind === 'anonymous' ||
      !readsReply(request, operation, principal)
    ) {
      done();
      return;
    }
    if (reply.raw.destroyed) {
      // Nobody waits for the answer any more, and nothing has been asked yet.
      reply.hijack();
      return;
    }
    const { handle, upstream } = at(request);
    const handled = handle(request, operation, principal);
    return (request.way.place?.keepWhile(handled) ?? handled).then((answer) => send(reply, upstream, answer));
  });
}

export function createExchanger(options: ExchangeOptions): Exchanger {
  const { upstream, judge } = options;
  const pushesDown = createPushDown(upstream);
  const extents = new Map<Operation, Extent>();
  const extentOf = (operation: Operation): Extent => {
    const extent = extents.get(operation) ?? { atLeast: 0 };
    extents.set(operation, extent);
    return extent;
  };
  const conclude = createConclude(options);

  return { upstream, judge, handle };

  async function handle(request: FastifyRequest, operation: Operation, caller: SignedIn): Promise<Answer> {
    const asked = () => ask(request, operation, caller);
    const answered = await bringing({ options, request, operation, caller }, asked);
    noteMade(request, operation, answered);
    await followWorkspace(options, request, operation, answered);
    return conclude({ request, operation, caller, answered });
  }

  /** The answer of the upstream: to a search of what the caller may see, to a change that is tracked, or as it is. */
  async function ask(request: FastifyRequest, operation: Operation, caller: SignedIn): Promise<Answer> {
    const sent = toExchange(request, upstream);
    const keep = request.way.unrestricted ? undefined : ruleOf(operation, 'keep');
    if (keep?.paging !== undefined) {
      const search: Search = {
        request: sent,
        identity: identityOf(request.way, caller.id),
        workspace: caller.workspace,
        list: keep.list,
        id: keep.id,
        listed: keep.listed ?? false,
        paging: keep.paging,
        pushesDown: () => pushesDown(operation, keep),
        extent: extentOf(operation),
        tokens: options.pageTokens,
      };
      return searchVisible(upstream, search, shownTo(options, request, caller, keep));
    }
    const action = intentOf(operation, request);
    return action === undefined
      ? adoptAnswered(options, sent, operation, caller)
      : track(options, sent, action, operation, caller);
  }
}

/** Changes what is sent as the row says, or answers in place of the upstream. */
function prepareEach(app: FastifyInstance, at: (request: FastifyRequest) => Pick<Exchanger, 'judge'>): void {
  app.addHook('preHandler', (request, reply, done) => {
    const { operation, principal } = request.way;
    const prepared =
      operation === undefined || principal.kind === 'anonymous'
        ? undefined
        : prepare(request, operation, principal, at(request).judge);
    if (prepared instanceof Promise) {
      return prepared.then((answer) => answer && sendReply(reply, answer));
    }
    if (prepared === undefined) {
      done();
    } else {
      sendReply(reply, prepared);
    }
    return undefined;
  });
}

/** Notes what a request has made, which only the answer names. */
function noteMade({ way }: FastifyRequest, operation: Operation, answered: Answer): void {
  const adopt = ruleOf(operation, 'adopt');
  if (adopt?.id === undefined || answered.status >= 300) {
    return;
  }
  const id = propertyAt(replyJson(answered), adopt.id);
  if (typeof id === 'string') {
    const root = { kind: adopt.kind, id };
    const made: Judged = {
      allow: true,
      because: way.because,
      roots: [root],
      reference: { ...root, action: 'manage' },
    };
    way.judged = [...way.judged, made];
  }
}

/** Whether the reply is read whole before any of it is sent. */
function readsReply({ way }: FastifyRequest, operation: Operation, caller: SignedIn): boolean {
  return (
    way.rewrite !== undefined ||
    operation.tracks ||
    operation.by.workspace.length > 0 ||
    operation.by.reply.some((rule) => concerns(rule, caller, way))
  );
}

function toExchange(request: FastifyRequest, upstream: Upstream): Exchange {
  const { way } = request;
  const headers = exchangeHeaders(request.raw.headers, {
    host: upstream.host,
    ip: request.ip,
    protocol: request.protocol,
    requestId: request.id,
  });
  return {
    method: methodFor(request),
    target: writeTarget(way.target),
    headers,
    ...(way.waitedMs > 0 && { timeoutMs: timeLeft(upstream, way) }),
    ...(way.bytes !== undefined && way.bytes.length > 0 && { body: way.bytes }),
  };
}

/** Sends an answer that was read whole. */
function send(reply: FastifyReply, home: Home, { status, headers, bytes }: Answer): FastifyReply {
  const { path } = reply.request.way.target;
  return sendBytes(reply.code(status).headers(replyHeaders(headers, home, path)), bytes);
}
