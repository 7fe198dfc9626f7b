import type { IncomingMessage } from 'node:http';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import { errorPage } from './admin/pages/error-page.ts';
import { ApiError } from './errors.ts';
import { type GatewayParts, gateway } from './gateway/index.ts';
import { tellingRequestId } from './gateway/request-id.ts';
import { rewriteUrlUnder } from './gateway/transport.ts';
import type { Way } from './gateway/way.ts';
import { showsPage } from './identity/browser.ts';
import type { Servers } from './listening/servers.ts';
import { timeOrderedId } from './time-ordered-id.ts';

export interface AppOptions {
  readonly logger: FastifyBaseLogger;
  /** Whether the `X-Forwarded-*` headers of the peer with this address are believed; left out for none. */
  readonly trustsProxy: ((address: string) => boolean) | undefined;
  readonly servers: Servers;
  /** For how long browsers are to come by https alone (RFC 6797); 0 to say nothing. */
  readonly hstsSeconds: number;
}

const NO_QUERY = {};

/** Headers larger than this are no client of MLflow's. */
export const MAX_HEADER_BYTES = 32 * 1024;

/** Builds the server without a socket, so that a test can call it directly. */
export function buildApp(parts: GatewayParts, options: AppOptions): FastifyInstance {
  const app = Fastify({
    loggerInstance: options.logger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request_id' }),
    genReqId: (raw) => requestIdOf(raw, parts.clock),
    trustProxy: options.trustsProxy ?? false,
    serverFactory: options.servers.factory,
    // For the scheme of the address that is said to be listened on; the factory makes what speaks it.
    ...(options.servers.secure && ({ https: {} } as object)),
    bodyLimit: Number.MAX_SAFE_INTEGER,
    exposeHeadRoutes: false,
    return503OnClosing: true,
    forceCloseConnections: 'idle',
    routerOptions: {
      caseSensitive: true,
      ignoreTrailingSlash: false,
      maxParamLength: MAX_HEADER_BYTES,
      // The query is read where it is judged by, one way only.
      querystringParser: () => NO_QUERY,
    },
    rewriteUrl: rewriteUrlUnder(parts.staticPrefix),
    frameworkErrors: (error, request, reply) => {
      reply.header('x-request-id', request.id);
      render(error, request, reply, parts.staticPrefix);
    },
    clientErrorHandler: (_error, socket) => {
      if (!socket.writable) {
        return;
      }
      const body = JSON.stringify({ error_code: 'BAD_REQUEST', message: 'The request is not valid HTTP.' });
      socket.end(
        `HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
      );
    },
  });
  app.removeAllContentTypeParsers();
  // Bodies stay streams until a row asks to read them.
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  app.setErrorHandler((error: FastifyError, request, reply) => {
    request.failure = error;
    render(withRequestId(error, request), request, reply, parts.staticPrefix);
  });
  if (options.hstsSeconds > 0) {
    sendHsts(app, options.hstsSeconds);
  }
  gateway(app, parts);
  return app;
}

/** What an id of a client must be to stand in logs and headers as it is. */
const REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/;

/** A client's own id of its request, by which it finds it again in log and audit; a new one otherwise. */
function requestIdOf({ headers }: Pick<IncomingMessage, 'headers'>, clock: () => number): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : timeOrderedId(clock());
}

/** Has browsers that came by https once come by nothing else (RFC 6797, section 7.2: never said over http). */
function sendHsts(app: FastifyInstance, seconds: number): void {
  app.addHook('onRequest', (request, reply, done) => {
    if (request.protocol === 'https') {
      reply.header('strict-transport-security', `max-age=${seconds}`);
    }
    done();
  });
}

/** Has a refusal tell the id of its request. */
function withRequestId(error: Error, { id }: Pick<FastifyRequest, 'id'>): Error {
  if (!(error instanceof ApiError) || error.code !== 'PERMISSION_DENIED') {
    return error;
  }
  const { code, message, status, headers, because = message, cause } = error;
  return new ApiError(code, tellingRequestId(message, id), { status, headers, because, cause });
}

/**
 * Turns whatever was thrown into MLflow's error shape, or for a user who opens a page into a page with its sentence;
 * nothing of the inside is told.
 */
function render(
  error: Error & { statusCode?: number },
  request: Pick<FastifyRequest, 'method' | 'url' | 'headers'> & { readonly way?: Pick<Way, 'judged'> },
  reply: Pick<FastifyReply, 'code' | 'headers' | 'send'>,
  prefix: string,
): void {
  const known = error instanceof ApiError ? error : translate(error);
  if (showsPage(request)) {
    // What it named, never what that belongs to: whether it is there is not told.
    const refused = request.way?.judged.find(({ allow }) => !allow)?.reference;
    const { headers = {}, body } = errorPage(known, prefix, refused);
    reply.code(known.status).headers(headers).send(body);
  } else {
    reply.code(known.status).headers(known.headers).send(known.toBody());
  }
}

function translate(error: Error & { statusCode?: number }): ApiError {
  const status = error.statusCode ?? 500;
  if (status >= 400 && status < 500) {
    return new ApiError('BAD_REQUEST', 'The request cannot be read. Check its headers and body.', {
      status,
      cause: error,
    });
  }
  return new ApiError(
    'INTERNAL_ERROR',
    'Something went wrong inside the gateway. The server log says what.',
    {
      cause: error,
    },
  );
}
