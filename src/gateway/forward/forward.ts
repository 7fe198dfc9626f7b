import type { IncomingHttpHeaders } from 'node:http';
import httpProxy, { type FastifyHttpProxyOptions } from '@fastify/http-proxy';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ApiError } from '../../errors.ts';
import { WORKSPACE_HEADER } from '../../mlflow/things/workspaces.ts';
import { upstreamHeaders } from '../../mlflow/upstream/headers.ts';
import { askedForSignIn } from '../../mlflow/upstream/sign-in.ts';
import { type Upstream, upstreamFailure } from '../../mlflow/upstream/upstream.ts';
import type { EndOfTurn } from '../end-of-turn.ts';
import { methodFor } from '../method-for.ts';
import { providerHeaders } from '../provider-key.ts';
import { type Arriving, createRequester, type Sent } from './relay.ts';
import type { Uploads } from './uploads.ts';

const METHODS = ['DELETE', 'GET', 'HEAD', 'PATCH', 'POST', 'PUT', 'OPTIONS'] as const;

/**
 * Last stage: everything that was allowed and that nobody has answered yet streams to the upstream and
 * back, whatever its size. Nothing is retried: MLflow's client does that itself, and knows what it may.
 */
export function forward(
  app: FastifyInstance,
  upstream: Upstream,
  uploads: Uploads,
  endOfTurn: EndOfTurn,
): void {
  const send = createSend(upstream);
  app.register(httpProxy, {
    upstream: upstream.origin,
    undici: createRequester(upstream, endOfTurn) as never,
    httpMethods: [...METHODS],
    disableRequestLogging: true,
    // Before its own handler, which on each request would make URLs of a target that is not the one that is sent.
    preHandler: (request, reply, done) => {
      const { bytes, target } = request.way;
      const path = upstream.placed(target.path);
      if (typeof path === 'string' && (bytes !== undefined || request.body === undefined)) {
        send(request, reply, path, bytes === undefined);
        return;
      }
      Promise.all([path, upstream.wantsChunks()])
        .then(([placed, chunks]) => {
          const streams = bytes === undefined && request.body !== undefined;
          if (streams) {
            request.body = uploads(request);
          }
          const keepsLength = bytes === undefined && !(streams && chunks && !isRefusedByLength(request));
          send(request, reply, placed, keepsLength);
        })
        .catch(done);
    },
    // It would forward what nobody has judged.
    handler: () => {
      throw new Error('unreachable: the hook before it answers');
    },
  });
}

type Send = (request: FastifyRequest, reply: FastifyReply, placed: string, keepsLength: boolean) => void;

/** Sends what was allowed to where it is placed, and its answer to the client. */
function createSend({ host }: Upstream): Send {
  return (request, reply, placed, keepsLength) => {
    const { bytes, target } = request.way;
    const path = target.rawQuery ? `${placed}?${target.rawQuery}` : placed;
    const sent = { reply, path, headers: toHeaders(request, host, keepsLength) } satisfies Sent;
    // The target that is sent is the one above: what reply-from makes of another need not grow with it.
    reply.from('/', {
      ...ANSWERED,
      // Read and judged: sent on byte for byte.
      ...(bytes !== undefined && bytes.length > 0 && { body: bytes, contentType: 'as it was sent' }),
      method: methodFor(request),
      queryString,
      rewriteRequestHeaders: () => sent as unknown as IncomingHttpHeaders,
    });
  };
}

/** What becomes of an answer, or of none. */
const ANSWERED: NonNullable<FastifyHttpProxyOptions['replyOptions']> = {
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
};

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
