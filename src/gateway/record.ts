import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ApiError } from '../errors.ts';
import { touchedBy } from './touched.ts';
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
 * that the answer did not reach its end: the client went away, or the upstream did, and then `err` tells how.
 */
export function record(app: FastifyInstance, ended: ((request: Ended) => void) | undefined): void {
  app.decorateRequest('failure', undefined);
  app.addHook('onRequest', (request, reply, done) => {
    // Now, as a body that streamed on leaves the request without its socket.
    const { ip } = request;
    // Not onResponse, which never comes for an answer that breaks off.
    reply.raw.once('close', () => {
      const status = reply.statusCode;
      const whole = reply.raw.writableFinished;
      const failed = status >= 500 || (!whole && request.failure !== undefined);
      const level = failed ? 'error' : status === 401 || status === 403 ? 'warn' : 'info';
      const ms = reply.elapsedTime;
      request.log[level](
        { ...entryOf(request), ip, status, ms: Math.round(ms), ...(!whole && { whole }) },
        'request',
      );
      const { way, failure } = request;
      ended?.({ request, ip, way, failure, status: reply.raw.headersSent ? status : undefined, whole, ms });
    });
    done();
  });
}

function entryOf(request: FastifyRequest) {
  const { way, failure } = request;
  const touched = way === undefined ? [] : touchedBy(request);
  return {
    method: request.raw.method,
    path: way?.target.path,
    row: way?.operation?.name,
    user: way?.principal.kind === 'user' ? way.principal.username : undefined,
    ...(touched.length > 0 && { touched: touched.map(({ kind, id }) => `${kind} ${id}`) }),
    because: failure instanceof ApiError ? (failure.because ?? failure.message) : way?.because,
    ...(failure !== undefined && causeOf(failure) !== undefined && { err: causeOf(failure) }),
  };
}

/** The error underneath, for the log alone. */
function causeOf(failure: Error): unknown {
  if (!(failure instanceof ApiError)) return failure;
  return failure.cause instanceof Error
    ? { message: failure.cause.message, name: failure.cause.name }
    : failure.cause;
}
