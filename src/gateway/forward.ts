import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Dispatcher } from 'undici';
import { replyHeaders, upstreamHeaders } from '../mlflow/headers.ts';
import { type Upstream, upstreamFailure } from '../mlflow/upstream.ts';
import { providerHeaders } from './provider-key.ts';

const METHODS = ['DELETE', 'GET', 'HEAD', 'PATCH', 'POST', 'PUT', 'OPTIONS'];

/**
 * Last stage: everything that was allowed and that nobody has answered yet streams to the upstream and
 * back, whatever its size. Nothing is retried: MLflow's client does that itself, and knows what it may.
 */
export function forward(app: FastifyInstance, upstream: Upstream): void {
  app.route({
    method: METHODS,
    url: '/*',
    handler: (request, reply) => {
      upstream.dispatcher.dispatch(toDispatch(request, upstream.host), relay(request, reply));
    },
  });
}

/** The request as it was judged: its canonical target, and the body byte for byte or still streaming. */
function toDispatch(request: FastifyRequest, host: string): Dispatcher.DispatchOptions {
  const { target, bytes, operation } = request.way;
  const { ip, protocol, raw } = request;
  const headers = upstreamHeaders(raw.headers, {
    host,
    ip,
    protocol,
    judged: [...(operation?.judgedHeaders ?? []), ...providerHeaders(request)],
  });
  // A body that was read may have been narrowed: its own length counts.
  if (bytes !== undefined) delete headers['content-length'];
  const streamed = request.body === undefined || request.body === null ? null : raw;
  return {
    method: raw.method ?? 'GET',
    path: target.rawQuery === undefined ? target.path : `${target.path}?${target.rawQuery}`,
    headers,
    body: bytes === undefined ? streamed : bytes.length === 0 ? null : bytes,
  };
}

/**
 * Writes the upstream's answer as it comes. Straight onto Node's response: each stream in between
 * costs as much as all that was judged before.
 */
function relay(request: FastifyRequest, reply: FastifyReply): Dispatcher.DispatchHandler {
  const { raw } = reply;
  let controller: Dispatcher.DispatchController | undefined;
  const goneAway = () => new Error('the client has closed the connection');
  raw.once('close', () => {
    if (!raw.writableFinished) controller?.abort(goneAway());
  });
  return {
    onRequestStart(started) {
      controller = started;
      if (raw.destroyed) started.abort(goneAway());
    },
    onResponseStart(_controller, status, headers) {
      // 1xx is between the upstream and the gateway (RFC 9110, section 15.2).
      if (status < 200) return;
      // Answered before the body was read to its end: the rest of it would be taken for a request.
      const unread = request.raw.complete ? undefined : { connection: 'close' };
      for (const [name, value] of Object.entries(reply.getHeaders())) {
        if (value !== undefined) raw.setHeader(name, value);
      }
      raw.writeHead(status, { ...replyHeaders(headers), ...unread });
      reply.hijack();
    },
    onResponseData(flow, chunk) {
      if (raw.destroyed || raw.write(chunk)) return;
      flow.pause();
      raw.once('drain', () => flow.resume());
    },
    onResponseEnd() {
      raw.end();
    },
    onResponseError(_controller, error) {
      if (raw.destroyed) return;
      if (!raw.headersSent) {
        reply.send(upstreamFailure(error));
        return;
      }
      request.failure = upstreamFailure(error);
      // An answer that breaks off must not look like one that ends.
      raw.destroy();
    },
  };
}
