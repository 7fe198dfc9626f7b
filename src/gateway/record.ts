import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ApiError } from '../errors.ts';
import type { SignedIn } from '../identity/principal.ts';
import type { EndOfTurn } from './end-of-turn.ts';
import { type Touched, touchedBy } from './touched.ts';
import type { Way } from './way.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** What went wrong, kept for the one log line of the request. */
    failure: Error | undefined;
  }
}

/** A request whose answer has ended, one way or another. */
export interface Ended {
  readonly request: FastifyRequest;
  /** The address of the client. */
  readonly ip: string;
  /** What was learned about it; undefined if nothing was. */
  readonly way: Way | undefined;
  /** What it touched; nothing where nothing was learned about it. */
  readonly touched: readonly Touched[];
  readonly failure: Error | undefined;
  /** Of the answer; undefined if not even its head was sent. */
  readonly status: number | undefined;
  /** Whether the answer reached its end. */
  readonly whole: boolean;
  /** Milliseconds from the head of the request. */
  readonly ms: number;
}

/**
 * One log line per request: fields, no prose, no secrets; a refusal with its full reason. `whole: false` says
 * that the answer did not reach its end: the client went away, which is status 499, or the upstream did, and then
 * `err` tells how.
 */
export function record(
  app: FastifyInstance,
  ended: ((request: Ended) => void) | undefined,
  endOfTurn: EndOfTurn,
): void {
  app.decorateRequest('failure', undefined);
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    // Now, as a body that streamed on leaves the request without its socket.
    const { ip } = request;
    // Not onResponse, which never comes for an answer that breaks off. It comes once; `once` would cost more than `on`.
    reply.raw.on('close', () => {
      const { statusCode, elapsedTime: ms } = reply;
      const { way, failure } = request;
      const whole = reply.raw.writableFinished;
      const left = !whole && hasLeft(request, reply);
      const status = reply.raw.headersSent ? statusCode : undefined;
      endOfTurn.at('ended', () => {
        const touched = way === undefined ? [] : touchedBy(request);
        const end: Ended = { request, ip, way, touched, failure, status, whole, ms };
        writeLine(end, statusCode, left);
        ended?.(end);
      });
    });
    done();
  });
}

/** @param left - whether it was the client that ended the answer. */
function writeLine({ request, ip, touched, failure, whole, ms }: Ended, status: number, left: boolean): void {
  const failed = !left && (status >= 500 || (!whole && !isRefusal(failure)));
  const level = failed ? 'error' : !left && (status === 401 || status === 403) ? 'warn' : 'info';
  request.log[level](
    {
      ...fieldsOf(request, touched),
      ip,
      status: left ? CLIENT_LEFT : status,
      ms: Math.round(ms),
      ...(!whole && { whole }),
    },
    'request',
  );
}

/** As nginx logs a client that closed its connection before it had its answer; no answer has it. */
const CLIENT_LEFT = 499;

/** Whether it was the client that ended an answer; an upstream that breaks off is known by its failure. */
function hasLeft({ failure, raw }: FastifyRequest, reply: FastifyReply): boolean {
  return failure === undefined || (!raw.complete && !reply.raw.headersSent);
}

/**
 * What the gateway refuses it answers at once, as Fastify does what it cannot read: if that does not reach its end, it is
 * the client's doing.
 */
function isRefusal(failure: Error | undefined): boolean {
  if (failure instanceof ApiError) {
    return failure.status < 500;
  }
  return failure !== undefined && 'statusCode' in failure && Number(failure.statusCode) < 500;
}

function fieldsOf(request: FastifyRequest, located: readonly Touched[]) {
  const { way, failure } = request;
  const written = failure === undefined ? way?.written.at(-1) : undefined;
  const touched =
    written?.resources.map(({ type, id }) => `${type} ${id}`) ??
    located.map(({ kind, id }) => `${kind} ${id}`);
  return {
    method: request.raw.method,
    path: way?.target.path,
    row: way?.operation?.name,
    ...(way?.workspace !== undefined && { workspace: way.workspace.name }),
    ...(way?.principal.kind === 'user' && callerIn(way.principal)),
    ...(way?.triedAs !== undefined && { tried: way.triedAs }),
    ...(touched.length > 0 && { touched }),
    ...(written !== undefined && { action: written.action, change: written.change }),
    because: reasonOf(failure, way?.because),
    ...(failure !== undefined && causeOf(failure) !== undefined && { err: causeOf(failure) }),
  };
}

/** Who a request was of, and by which credential. */
function callerIn({ username, credential: { kind, id } }: SignedIn) {
  return { user: username, credential: { kind, ...(id !== undefined && { id }) } };
}

/** Why a request was answered as it was: the full reason of a refusal, or what allowed it. */
export function reasonOf<T extends string | undefined>(failure: Error | undefined, allowed: T): string | T {
  return failure instanceof ApiError ? (failure.because ?? failure.message) : allowed;
}

/** The error underneath, for the log alone. */
function causeOf(failure: Error): unknown {
  if (!(failure instanceof ApiError)) {
    return failure;
  }
  return failure.cause instanceof Error
    ? { message: failure.cause.message, name: failure.cause.name }
    : failure.cause;
}
