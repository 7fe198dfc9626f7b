import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { upstreamHeaders } from '../../mlflow/upstream/headers.ts';
import type { Upstream } from '../../mlflow/upstream/upstream.ts';
import { methodFor } from '../method-for.ts';
import { providerHeaders } from '../provider-key.ts';
import { createRelay } from './relay.ts';
import type { Uploads } from './uploads.ts';

const METHODS = ['DELETE', 'GET', 'HEAD', 'PATCH', 'POST', 'PUT', 'OPTIONS'] as const;

/**
 * Last stage: everything that was allowed and that nobody has answered yet streams to the upstream and
 * back, whatever its size. Nothing is retried: MLflow's client does that itself, and knows what it may.
 */
export function forward(app: FastifyInstance, upstream: Upstream, uploads: Uploads): void {
  const relay = createRelay(upstream);
  app.route({
    method: [...METHODS],
    url: '*',
    handler: (request, reply) => {
      const { bytes, target } = request.way;
      const headers = toHeaders(request, upstream.host);
      const send = (path: string, body: Uint8Array | Readable | null) => {
        // Without what the version in front does not declare.
        const query = target.rawQuery ? `?${target.rawQuery}` : '';
        relay(reply, { method: methodFor(request), path: path + query, headers, body });
      };
      const path = upstream.placed(target.path);
      if (typeof path === 'string' && (bytes !== undefined || request.body === undefined)) {
        // Read and judged: sent on byte for byte.
        send(path, bytes ?? null);
        return undefined;
      }
      return Promise.all([path, upstream.wantsChunks()]).then(([placed, chunks]) => {
        if (bytes !== undefined || request.body === undefined) {
          send(placed, bytes ?? null);
          return reply;
        }
        if (chunks && !isRefusedByLength(request)) {
          delete headers['content-length'];
        }
        send(placed, uploads(request));
        return reply;
      });
    },
  });
}

function toHeaders(request: FastifyRequest, host: string): Record<string, string> {
  const { id: requestId, way, ip, protocol, raw } = request;
  const judged = [...(way.operation?.judgedHeaders ?? []), ...providerHeaders(request)];
  const sent = upstreamHeaders(raw.headers, { host, ip, protocol, requestId, judged });
  // A body that was read may have been unpacked or narrowed: its own length counts.
  if (way.bytes !== undefined) {
    delete sent['content-length'];
  }
  return sent;
}

/**
 * Longer files are refused by `upload-artifact` for the length that they announce, and only for that.
 *
 * @see mlflow/server/handlers.py (`upload_artifact_handler`)
 */
const LONGEST_POSTED_FILE = 10 * 1024 * 1024;

function isRefusedByLength({ raw }: FastifyRequest): boolean {
  return raw.method === 'POST' && Number(raw.headers['content-length'] ?? 0) > LONGEST_POSTED_FILE;
}
