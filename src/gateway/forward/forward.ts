import type { IncomingHttpHeaders } from 'node:http';
import httpProxy from '@fastify/http-proxy';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ApiError } from '../../errors.ts';
import { WORKSPACE_HEADER } from '../../mlflow/things/workspaces.ts';
import { upstreamHeaders } from '../../mlflow/upstream/headers.ts';
import { askedForSignIn } from '../../mlflow/upstream/sign-in.ts';
import { type Upstream, upstreamFailure } from '../../mlflow/upstream/upstream.ts';
import { methodFor } from '../method-for.ts';
import { providerHeaders } from '../provider-key.ts';
import { type Arriving, createRequester, type Sent } from './relay.ts';
import type { Uploads } from './uploads.ts';

const METHODS = ['DELETE', 'GET', 'HEAD', 'PATCH', 'POST', 'PUT', 'OPTIONS'] as const;

/**
 * Last stage: everything that was allowed and that nobody has answered yet streams to the upstream and
 * back, whatever its size. Nothing is retried: MLflow's client does that itself, and knows what it may.
 */
export function forward(app: FastifyInstance, upstream: Upstream, uploads: Uploads): void {
  app.register(httpProxy, {
    upstream: upstream.origin,
    undici: createRequester(upstream) as never,
    httpMethods: [...METHODS],
    disableRequestLogging: true,
    // What is forwarded is the target as it was judged; http-proxy need not take it apart once more.
    preRewrite: () => '/',
    replyOptions: {
      retryDelay: () => null,
      onResponse: (request, reply, { stream }) => {
        const answer = stream as unknown as Arriving;
        const { path } = request.way.target;
        const refusal = askedForSignIn(path, answer.status, answer.headers['www-authenticate']);
        if (reply.sent || refusal !== undefined) {
          answer.destroy();
        } else {
          answer.relay();
        }
        if (refusal !== undefined) {
          refuse(reply, refusal);
        }
      },
      onError: (reply, { error }) => {
        refuse(reply, upstreamFailure(error));
      },
    },
    handler: (request, reply, _dest, options) => {
      const { bytes, target } = request.way;
      const send = (placed: string, headers: readonly string[]) => {
        // Read and judged: sent on byte for byte.
        const judged = bytes !== undefined &&
          bytes.length > 0 && { body: bytes, contentType: 'as it was sent' };
        const path = target.rawQuery ? `${placed}?${target.rawQuery}` : placed;
        const sent = { reply, path, headers } satisfies Sent;
        const rewriteRequestHeaders = () => sent as unknown as IncomingHttpHeaders;
        // The target that is sent is the one above: what reply-from makes of another need not grow with it.
        reply.from('/', {
          ...options,
          ...judged,
          method: methodFor(request),
          queryString,
          rewriteRequestHeaders,
        });
      };
      const path = upstream.placed(target.path);
      if (typeof path === 'string' && (bytes !== undefined || request.body === undefined)) {
        send(path, toHeaders(request, upstream.host, bytes === undefined));
        return;
      }
      return Promise.all([path, upstream.wantsChunks()]).then(([placed, chunks]) => {
        const streams = bytes === undefined && request.body !== undefined;
        if (streams) {
          request.body = uploads(request);
        }
        const keepsLength = bytes === undefined && !(streams && chunks && !isRefusedByLength(request));
        send(placed, toHeaders(request, upstream.host, keepsLength));
        return reply;
      });
    },
  });
}

/** The query is part of the path. */
const queryString = () => '';

/** As much of a reply as a refusal needs: reply-from's is of another type than Fastify's. */
interface Refusable {
  readonly request: { readonly raw: { readonly complete: boolean } };
  header(name: string, value: string): unknown;
  send(error: ApiError): unknown;
}

function refuse(reply: Refusable, error: ApiError): void {
  // Nobody reads the rest of an upload that the upstream broke off: a client that sends all of it before
  // it looks at the answer, as Python's does, would wait for ever.
  if (!reply.request.raw.complete) {
    reply.header('connection', 'close');
  }
  reply.send(error);
}

const LENGTH: ReadonlySet<string> = new Set(['content-length']);

/** @param keepsLength - whether the body that is sent has the length that the client's had: it may have been unpacked or narrowed. */
function toHeaders(request: FastifyRequest, host: string, keepsLength: boolean): readonly string[] {
  const { id: requestId, way, ip, protocol, raw } = request;
  const judged = [...(way.operation?.judgedHeaders ?? []), ...providerHeaders(request)];
  const sender = { host, ip, protocol, requestId, judged };
  const sent = upstreamHeaders(raw.headers, keepsLength ? sender : { ...sender, without: LENGTH });
  if (way.workspace !== undefined) {
    sent.push(WORKSPACE_HEADER, way.workspace.name);
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
