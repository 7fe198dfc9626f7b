import httpProxy from '@fastify/http-proxy';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { replyHeaders, upstreamHeaders } from '../mlflow/headers.ts';
import { type Upstream, upstreamFailure } from '../mlflow/upstream.ts';
import { providerHeaders } from './provider-key.ts';

const METHODS = ['DELETE', 'GET', 'HEAD', 'PATCH', 'POST', 'PUT', 'OPTIONS'] as const;

/**
 * Last stage: everything that was allowed and that nobody has answered yet streams to the upstream and
 * back, whatever its size. Nothing is retried: MLflow's client does that itself, and knows what it may.
 */
export function forward(app: FastifyInstance, upstream: Upstream): void {
  app.register(httpProxy, {
    upstream: upstream.origin,
    undici: upstream.dispatcher as never,
    httpMethods: [...METHODS],
    disableRequestLogging: true,
    disableCache: true,
    replyOptions: {
      retryDelay: () => null,
      rewriteRequestHeaders: (request, headers) =>
        toHeaders(request as FastifyRequest, headers, upstream.host),
      rewriteHeaders: (headers) => replyHeaders(headers),
      onResponse: (request, reply, answer) => {
        const { stream } = answer as unknown as { stream: NodeJS.ReadableStream };
        // An answer that breaks off is told to the client by the connection; to the log by this.
        stream.once('error', (error: Error) => {
          (request as FastifyRequest).failure = upstreamFailure(error);
        });
        reply.send(stream);
      },
      onError: (reply, { error }) => {
        reply.send(upstreamFailure(error));
      },
    },
    handler: (request, reply, _dest, options) => {
      const { bytes, target } = request.way;
      if (bytes === undefined || bytes.length === 0) return reply.from(target.path, options);
      // Read and judged: sent on byte for byte.
      const contentType = request.headers['content-type'] ?? 'application/octet-stream';
      return reply.from(target.path, { ...options, body: bytes, contentType });
    },
  });
}

function toHeaders(request: FastifyRequest, headers: FastifyRequest['raw']['headers'], host: string) {
  const { way, ip, protocol, raw } = request;
  const judged = [...(way.operation?.judgedHeaders ?? []), ...providerHeaders(request)];
  const sent = upstreamHeaders(headers, { host, ip, protocol, judged });
  // http-proxy names a type for every body; what the client did not say, MLflow is not told.
  if (raw.headers['content-type'] === undefined) delete sent['content-type'];
  return sent;
}
