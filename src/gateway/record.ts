import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ApiError } from '../errors.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** What went wrong, kept for the one log line of the request. */
    failure: Error | undefined;
  }
}

/**
 * One log line per request: fields, no prose, no secrets; a refusal with its full reason. `whole: false` says
 * that the answer did not reach its end: the client went away, or the upstream did, and then `err` tells how.
 */
export function record(app: FastifyInstance): void {
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
      const ms = Math.round(reply.elapsedTime);
      request.log[level]({ ...entryOf(request), ip, status, ms, ...(!whole && { whole }) }, 'request');
    });
    done();
  });
}

function entryOf(request: FastifyRequest) {
  const { way, failure } = request;
  return {
    method: request.raw.method,
    path: way?.target.path,
    row: way?.operation?.name,
    user: way?.principal.kind === 'user' ? way.principal.username : undefined,
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
