import httpProxy from '@fastify/http-proxy';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { replyHeaders, upstreamHeaders } from '../mlflow/headers.ts';
import { type Upstream, upstreamFailure } from '../mlflow/upstream.ts';

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
      rewriteRequestHeaders: (request, headers) => {
        return upstreamHeaders(headers, {
          host: upstream.host,
          ip: request.ip,
          protocol: request.protocol,
          judged: (request as FastifyRequest).way.operation?.judgedHeaders ?? [],
        });
      },
      rewriteHeaders: (headers) => replyHeaders(headers),
      onError: (reply, { error }) => {
        reply.send(upstreamFailure(error));
      },
    },
    handler: (request, reply, dest, options) => {
      const { bytes } = request.way;
      if (bytes === undefined || bytes.length === 0) return reply.from(dest, options);
      // Read and judged: sent on byte for byte.
      const contentType = request.headers['content-type'] ?? 'application/json';
      return reply.from(dest, { ...options, body: bytes, contentType });
    },
  });
}
