import { type Dispatcher, errors, interceptors, type Pool } from 'undici';
import { ApiError, unavailable } from '../../errors.ts';
import type { Home } from './addresses.ts';
import { createPlaced, type Placed } from './placed.ts';
import { createPlaces, type Places } from './places.ts';
import { openPools, type PoolOptions } from './pools.ts';
import { createPublicCache } from './public-cache.ts';
import { askedForSignIn } from './sign-in.ts';
import { type Answered, timed } from './timed.ts';
import { createVersion, type Version } from './version.ts';

/** A whole answer of the upstream, for the few operations whose reply is read. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly bytes: Buffer;
}

export interface Exchange {
  readonly method: string;
  /** Path and query, in canonical form. */
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  /** How long the answer may take to begin, if it is less than what is set. */
  readonly timeoutMs?: number | undefined;
}

/** The MLflow behind the gateway. */
export interface Upstream extends Home, Version {
  /** `http://localhost` for a socket; the base that requests are forwarded to. */
  readonly origin: string;
  /** The Host that MLflow is sent: 3.5 and later refuse any they do not know. */
  readonly host: string;
  readonly dispatcher: Dispatcher;
  /**
   * For what needs no credentials: connections of its own, so that requests of nobody take none from users, and a cache
   * for what MLflow says may be kept, which the files of its UI are.
   */
  readonly publicDispatcher: Dispatcher;
  /** Requests that are forwarded take one each, so that they never wait for a connection without a limit. */
  readonly places: Places;
  /** How long an answer may take to begin. */
  readonly timeoutMs: number;
  /** Requests that have a connection, and those that wait for one. */
  load(): { readonly running: number; readonly queued: number };
  readonly placed: Placed;
  /**
   * Sends a request and reads the whole answer.
   *
   * @throws ApiError 503 or 504 if there is none; 502 if it asks for a sign-in of its own.
   */
  exchange(request: Exchange): Promise<Answer>;
  /** The same, each request of it about a workspace of an MLflow that has them. */
  within(workspace: string): Upstream;
  /**
   * Asks for a page or thing and takes any answer, a 401 too, which {@link exchange} does not.
   *
   * @throws ApiError 503 or 504 if there is none.
   */
  look(target: string): Promise<Answer>;
  /**
   * Resolves if it answers its `/health`, on a connection of its own: requests that keep all others busy do not make
   * it look dead.
   *
   * @throws ApiError 503 if it does not.
   */
  ping(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface UpstreamOptions extends PoolOptions {
  readonly host?: string | undefined;
  /** What MLflow was started with as `--static-prefix`; none if left out. */
  readonly staticPrefix?: string | undefined;
  readonly timeoutSeconds: number;
  /** Most requests that one user has at the upstream at once; as many as there are connections if left out. */
  readonly perUser?: number;
  /** Told of each request, the gateway's own look-ups included. */
  readonly answered?: Answered | undefined;
  readonly clock: () => number;
}

/** How long a reply that is read whole may be: searches of the largest pages stay far below. */
const LARGEST_ANSWER = 512 * 1024 * 1024;
/** RFC 9110, section 15. */
const LAST_STATUS = 599;

/** Whether HTTP has a status of this number, for an answer that is the last to its request. */
function isStatus(status: number): boolean {
  return status >= 200 && status <= LAST_STATUS;
}

/** Opens the way to the upstream; nothing is connected before the first request. */
export function createUpstream(options: UpstreamOptions): Upstream {
  const { clock, staticPrefix = '', timeoutSeconds } = options;
  const timeoutMs = timeoutSeconds * 1000;
  const { origin, isSocket, pool, publicPool, pinger } = openPools(options, timeoutMs);
  const watched = (each: Pool) =>
    options.answered === undefined ? each : each.compose(timed(options.answered));
  const dispatcher = watched(pool);
  const publicDispatcher = watched(publicPool).compose(interceptors.cache({ store: createPublicCache() }));
  const places = createPlaces({
    places: options.connections,
    perUser: options.perUser ?? options.connections,
    timeoutMs,
    clock,
  });
  const host = options.host ?? defaultHost(origin, isSocket);
  const send = (request: Exchange) => sendOn(dispatcher, host, request);
  const placed = createPlaced(staticPrefix, send);
  const version = createVersion(exchange, clock);

  async function exchange(request: Exchange): Promise<Answer> {
    const answer = await send({ ...request, target: await placed(request.target) });
    const refusal = askedForSignIn(request.target, answer.status, answer.headers['www-authenticate']);
    if (refusal !== undefined) {
      throw refusal;
    }
    return answer;
  }

  const upstream: Upstream = {
    within: (workspace) => ({
      ...upstream,
      exchange: (request) =>
        exchange({ ...request, headers: { ...request.headers, 'x-mlflow-workspace': workspace } }),
    }),
    origin,
    host,
    staticPrefix,
    dispatcher,
    publicDispatcher,
    places,
    timeoutMs,
    load: () => ({ running: pool.stats.running, queued: pool.stats.queued + places.waiting() }),
    placed,
    exchange,
    look: async (target) => send({ method: 'GET', target: await placed(target) }),
    ...version,
    ping: async (signal) => pingOn(pinger, host, await placed('/health'), signal),
    async close() {
      await Promise.all([pool.destroy(), publicPool.destroy(), pinger.destroy()]);
    },
  };
  return upstream;
}

/** Sends a request as it is, and reads the whole answer. */
async function sendOn(
  dispatcher: Dispatcher,
  host: string,
  { method, target, headers, body, timeoutMs: headersTimeout }: Exchange,
): Promise<Answer> {
  try {
    const response = await dispatcher.request({
      method: method as Dispatcher.HttpMethod,
      path: target,
      headers: { ...headers, host },
      ...(body !== undefined && { body }),
      ...(headersTimeout !== undefined && { headersTimeout }),
    });
    const { statusCode: status } = response;
    const bytes = await readAll(response.body);
    if (!isStatus(status)) {
      throw new Error(`the answer has status ${status}, which HTTP does not have`);
    }
    return { status, headers: response.headers, bytes };
  } catch (error) {
    throw upstreamFailure(error);
  }
}

async function pingOn(pinger: Pool, host: string, path: string, signal: AbortSignal): Promise<void> {
  try {
    const { statusCode, body } = await pinger.request({ method: 'GET', path, headers: { host }, signal });
    await body.dump();
    if (statusCode !== 200) {
      throw new Error(`/health was answered with status ${statusCode}`);
    }
  } catch (error) {
    throw upstreamFailure(error);
  }
}

/** How long the answer to a request that waited may still take to begin: time counts from its arrival. */
export function timeLeft(
  { timeoutMs }: Pick<Upstream, 'timeoutMs'>,
  { waitedMs }: { waitedMs: number },
): number {
  return Math.max(1, timeoutMs - waitedMs);
}

async function readAll(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.byteLength;
    if (length > LARGEST_ANSWER) {
      throw new Error('the answer is larger than may be read');
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

/**
 * What a failure on the way to the upstream is to a client: 504 if it took too long, else 503; both
 * are retried by MLflow's client. The cause is kept for the log.
 */
export function upstreamFailure(error: unknown): ApiError {
  if (error instanceof ApiError) {
    return error;
  }
  const root = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (root instanceof ApiError) {
    return root;
  }
  if (isTimeout(root) || isTimeout(error)) {
    return new ApiError('DEADLINE_EXCEEDED', 'The MLflow server took too long to answer. Try again later.', {
      cause: error,
    });
  }
  return unavailable('The MLflow server cannot be reached right now. Try again in a moment.', error);
}

function isTimeout(error: unknown): boolean {
  if (error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError) {
    return true;
  }
  const code = (error as { code?: unknown } | null)?.code;
  return (
    code === 'UND_ERR_HEADERS_TIMEOUT' ||
    code === 'UND_ERR_BODY_TIMEOUT' ||
    code === 'FST_REPLY_FROM_GATEWAY_TIMEOUT'
  );
}

/**
 * MLflow from 3.5 on answers 403 to a Host it does not know; it always knows `localhost`. A server
 * behind TLS is more likely one of several under its address, told apart by name.
 */
function defaultHost(origin: string, socket: boolean): string {
  return socket || origin.startsWith('http:') ? 'localhost' : new URL(origin).host;
}
