import Fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import { ApiError } from './errors.ts';
import { escapeHtml } from './escape-html.ts';
import { type GatewayParts, gateway } from './gateway/index.ts';
import { rewriteUrl } from './gateway/transport.ts';

export interface AppOptions {
  readonly logger: FastifyBaseLogger;
  /** Peers whose `X-Forwarded-*` headers are believed; empty for none. */
  readonly trustedProxies: readonly string[];
  /** How long a client may neither read nor send what is waited for. */
  readonly clientTimeoutSeconds: number;
}

/** Headers larger than this are no client of MLflow's. */
const MAX_HEADER_BYTES = 32 * 1024;
/** A connection may stay idle longer than any load balancer's default, so that the client closes it first. */
const KEEP_ALIVE_MS = 75_000;

/** Builds the server without a socket, so that a test can call it directly. */
export function buildApp(parts: GatewayParts, options: AppOptions): FastifyInstance {
  const app = Fastify({
    loggerInstance: options.logger,
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: options.trustedProxies.length > 0 ? [...options.trustedProxies] : false,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // What happens then is said in transport.ts.
    connectionTimeout: options.clientTimeoutSeconds * 1000,
    // A large artifact may take hours; slow headers are cut off by Node's own headersTimeout.
    requestTimeout: 0,
    bodyLimit: Number.MAX_SAFE_INTEGER,
    exposeHeadRoutes: false,
    return503OnClosing: true,
    forceCloseConnections: 'idle',
    http: { maxHeaderSize: MAX_HEADER_BYTES },
    routerOptions: { caseSensitive: true, ignoreTrailingSlash: false, maxParamLength: MAX_HEADER_BYTES },
    rewriteUrl,
    frameworkErrors: (error, request, reply) => {
      render(error, request, reply);
    },
    clientErrorHandler: (_error, socket) => {
      if (!socket.writable) return;
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
    render(error, request, reply);
  });
  gateway(app, parts);
  return app;
}

/**
 * Turns whatever was thrown into MLflow's error shape, or for somebody who opens a page into its sentence alone, as
 * MLflow answers those; nothing of the inside is told.
 */
function render(
  error: Error & { statusCode?: number },
  request: Pick<FastifyRequest, 'method' | 'url' | 'headers'>,
  reply: Pick<FastifyReply, 'code' | 'headers' | 'header' | 'send'>,
): void {
  const known = error instanceof ApiError ? error : translate(error);
  reply.code(known.status);
  reply.headers(known.headers);
  if (opensPage(request))
    reply.header('content-type', 'text/html; charset=utf-8').send(escapeHtml(known.message));
  else reply.send(known.toBody());
}

/** Whether a browser would show the answer. Some libraries accept text/html with every call of the API. */
function opensPage({ method, url, headers }: Pick<FastifyRequest, 'method' | 'url' | 'headers'>): boolean {
  return method === 'GET' && /\btext\/html\b/i.test(headers.accept ?? '') && !/^\/(?:ajax-)?api\//.test(url);
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
