import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import type { Dispatcher } from 'undici';
import type { Home } from '../../mlflow/upstream/addresses.ts';
import { replyHeaders } from '../../mlflow/upstream/headers.ts';
import { timeLeft, type Upstream, upstreamFailure } from '../../mlflow/upstream/upstream.ts';
import type { EndOfTurn } from '../end-of-turn.ts';
import { passedOn } from './spent-buffers.ts';
import { createUnread, type Unread } from './unread.ts';

/** What stands for the stream of an answer on its way through @fastify/reply-from. */
export interface Arriving {
  /** What the upstream answered. */
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Begins the client's answer with the status and headers that the reply has by now. */
  relay(): void;
  /** Gives the answer up. */
  destroy(): void;
}

/** Bytes that may wait for a client before no more are read, so that neither side waits for the other at each chunk. */
const AHEAD = 256 * 1024;

/** Most bytes of an answer that is sent once it is whole, in one piece with its head. */
const SMALL_BYTES = 16 * 1024;

type Heard = (error: Error | null, answer?: object) => void;

/** What is sent in place of a request, and whose answer it is. */
export interface Sent {
  readonly reply: FastifyReply;
  /** With its query, as it was judged. */
  readonly path: string;
  /** Each name, and behind it what the header says. */
  readonly headers: readonly string[];
}

/**
 * What @fastify/reply-from sends requests with: undici, except that the answer is written straight to Node's
 * response as it comes. undici's own `request` makes a stream of it, which Fastify pipes on, and that costs more than all judging.
 */
export function createRequester(
  upstream: Home & Pick<Upstream, 'dispatcher' | 'publicDispatcher' | 'timeoutMs'>,
  endOfTurn: EndOfTurn,
) {
  const unread = createUnread();
  const shared = { home: upstream, endOfTurn };
  return {
    request(options: Dispatcher.DispatchOptions, heard: Heard): void {
      // reply-from hands on what it takes for headers, and a target of its own.
      const { reply, path, headers } = options.headers as unknown as Sent;
      options.path = path;
      options.headers = headers as string[];
      const { way } = reply.request;
      if (way.waitedMs > 0) {
        options.headersTimeout = timeLeft(upstream, way);
      }
      if (way.operation?.need === 'public') {
        upstream.publicDispatcher.dispatch(options, relay(reply, heard, { ...shared, unread }));
      } else {
        upstream.dispatcher.dispatch(options, relay(reply, heard, shared));
      }
    },
  };
}

interface RelayOptions {
  readonly home: Home;
  readonly endOfTurn: EndOfTurn;
  /** Where the answer is taken from the upstream as fast as it comes, however slowly its client reads. */
  readonly unread?: Unread;
}

function relay(
  reply: FastifyReply,
  heard: Heard,
  { home, endOfTurn, unread }: RelayOptions,
): Dispatcher.DispatchHandler {
  const { raw } = reply;
  const headOnly = reply.request.raw.method === 'HEAD';
  const answer = createAnswer(reply, heard, { home, headOnly });
  let passed = 0;
  /** What has come of an answer that is sent once it is whole; undefined for one that is passed on as it comes. */
  let held: Buffer[] | undefined;
  return {
    onRequestStart: answer.awaitFrom,
    onBodySent: (chunk) => passedOn(chunk.length),
    onResponseStart(_controller, statusCode, headers) {
      // 1xx is between the upstream and the gateway (RFC 9110, section 15.2).
      if (statusCode < 200) {
        return;
      }
      answer.take(statusCode, headers);
      if (!headOnly && isSmall(headers)) {
        held = [];
      } else {
        answer.begin();
      }
    },
    onResponseData(flow, chunk) {
      passedOn(chunk.length);
      if (held !== undefined) {
        held.push(chunk);
      } else if (headOnly) {
        // A short rest is let go by, so that the connection serves again.
        passed += chunk.length;
        if (passed > AHEAD) {
          answer.giveUp();
        }
      } else if (answer.hasBegun() && !raw.destroyed) {
        write(raw, chunk, flow, unread);
      }
    },
    onResponseEnd() {
      const pieces = held;
      if (pieces !== undefined) {
        endOfTurn.at('answers', () => answer.sendWhole(pieces));
      } else if (answer.hasBegun() && !raw.writableEnded) {
        raw.end();
      }
    },
    onResponseError(_controller, error) {
      if (held === undefined) {
        answer.fail(error);
      } else {
        answer.breakOff(held, error);
      }
    },
  };
}

/** The client's answer, which @fastify/reply-from begins once it has heard of the upstream's. */
function createAnswer(
  reply: FastifyReply,
  heard: Heard,
  { home, headOnly }: { readonly home: Home; readonly headOnly: boolean },
) {
  const { raw } = reply;
  let controller: Dispatcher.DispatchController | undefined;
  let begun = false;
  let givenUp = false;
  const giveUp = () => controller?.abort(new Error('nobody waits for the answer'));
  raw.on('close', () => {
    if (!raw.writableFinished) {
      giveUp();
    }
  });
  const arriving = {
    status: 0,
    headers: {} as IncomingHttpHeaders,
    relay() {
      begun = true;
      writeHead(reply, home, arriving.headers);
      if (headOnly) {
        raw.end();
      }
    },
    destroy() {
      givenUp = true;
      giveUp();
    },
  } satisfies Arriving;

  const begin = () => heard(null, { statusCode: arriving.status, headers: {}, body: arriving });

  function beginWith(send: () => void): void {
    try {
      begin();
      if (begun && !raw.destroyed) {
        send();
      }
    } catch (error) {
      fail(error);
    }
  }

  function fail(error: unknown): void {
    if (raw.destroyed || givenUp || (headOnly && begun)) {
      return;
    }
    if (!begun) {
      heard(error as Error);
      return;
    }
    // An answer that breaks off must not look like one that ends.
    reply.request.failure = upstreamFailure(error);
    raw.destroy();
  }

  return {
    awaitFrom(started: Dispatcher.DispatchController) {
      controller = started;
      if (raw.destroyed) {
        giveUp();
      }
    },
    take: (status: number, headers: IncomingHttpHeaders) => void Object.assign(arriving, { status, headers }),
    begin,
    hasBegun: () => begun,
    giveUp,
    /** Sends as much as has come, so that the client knows as much as it would without a gateway. */
    breakOff: (pieces: readonly Buffer[], error: unknown) =>
      beginWith(() => raw.write(Buffer.concat(pieces), () => fail(error))),
    sendWhole: (pieces: readonly Buffer[]) => beginWith(() => endWith(raw, pieces)),
    fail,
  };
}

function isSmall(headers: IncomingHttpHeaders): boolean {
  return Number(headers['content-length']) <= SMALL_BYTES;
}

/** Begins the client's answer. */
function writeHead(reply: FastifyReply, home: Home, answered: IncomingHttpHeaders): void {
  reply.hijack();
  const headers = replyHeaders(answered, home, reply.request.way.target.path);
  reply.raw.writeHead(reply.statusCode, Object.assign(headers, reply.getHeaders()) as OutgoingHttpHeaders);
}

/** Ends an answer. Latin-1 keeps every byte, and Node writes text in one piece with the head, for two thirds of the CPU of two pieces. */
function endWith(raw: ServerResponse, pieces: readonly Buffer[]): void {
  const [only = Buffer.alloc(0), ...others] = pieces;
  const whole = others.length === 0 ? only : Buffer.concat(pieces);
  raw.end(whole.toString('latin1'), 'latin1');
}

/**
 * Writes a chunk to a client, and holds the upstream up while too much waits for it.
 *
 * @param unread - where the upstream is not held up.
 */
function write(
  raw: ServerResponse,
  chunk: Buffer,
  flow: Dispatcher.DispatchController,
  unread: Unread | undefined,
): void {
  if (raw.write(chunk) || raw.writableLength < AHEAD) {
    return;
  }
  if (unread !== undefined) {
    unread.note(raw);
    return;
  }
  flow.pause();
  raw.once('drain', () => flow.resume());
}
