import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import type { Dispatcher } from 'undici';
import type { ApiError } from '../../errors.ts';
import type { Home } from '../../mlflow/upstream/addresses.ts';
import { replyHeaders } from '../../mlflow/upstream/headers.ts';
import { askedForSignIn } from '../../mlflow/upstream/sign-in.ts';
import { isStatus, timeLeft, type Upstream, upstreamFailure } from '../../mlflow/upstream/upstream.ts';
import { passedOn } from './spent-buffers.ts';
import { createUnread, type Unread } from './unread.ts';

/** Bytes that may wait for a client before no more are read, so that neither side waits for the other at each chunk. */
const AHEAD = 256 * 1024;

/** Most bytes of an answer that is sent in one piece with its head. */
const SMALL_BYTES = 16 * 1024;

/** What is sent to the upstream. */
export type Sent = Pick<Dispatcher.DispatchOptions, 'method' | 'path' | 'headers' | 'body'>;

/** Sends a request to the upstream, and its answer to the client as it comes. */
export type Relay = (reply: FastifyReply, sent: Sent) => void;

/**
 * Creates the relay: the answer is written straight to Node's response as undici hands it over. A stream of it, piped on,
 * costs more than all judging, and so does a plugin that takes apart and copies once more what was judged.
 */
export function createRelay(
  upstream: Home & Pick<Upstream, 'dispatcher' | 'publicDispatcher' | 'timeoutMs' | 'origin'>,
): Relay {
  const unread = createUnread();
  return (reply, sent) => {
    const { way } = reply.request;
    const options: Dispatcher.DispatchOptions = {
      origin: upstream.origin,
      ...sent,
      ...(way.waitedMs > 0 && { headersTimeout: timeLeft(upstream, way) }),
    };
    if (way.operation?.need === 'public') {
      upstream.publicDispatcher.dispatch(options, answering(reply, upstream, unread));
    } else {
      upstream.dispatcher.dispatch(options, answering(reply, upstream));
    }
  };
}

/** @param unread - where the answer is taken from the upstream as fast as it comes, however slowly its client reads. */
function answering(reply: FastifyReply, home: Home, unread?: Unread): Dispatcher.DispatchHandler {
  const { raw } = reply;
  const headOnly = reply.request.raw.method === 'HEAD';
  let passed = 0;
  /** How long the answer is, where it says so and is small. */
  let wholeBytes: number | undefined;
  let controller: Dispatcher.DispatchController | undefined;
  let begun = false;
  let givenUp = false;
  const giveUp = () => {
    givenUp = true;
    controller?.abort(new Error('nobody waits for the answer'));
  };
  raw.once('close', () => {
    if (!raw.writableFinished) {
      giveUp();
    }
  });
  return {
    onRequestStart(started) {
      controller = started;
      if (raw.destroyed) {
        giveUp();
      }
    },
    onBodySent: (chunk) => passedOn(chunk.length),
    onResponseStart(_controller, statusCode, headers) {
      // 1xx is between the upstream and the gateway (RFC 9110, section 15.2).
      if (statusCode < 200 || givenUp) {
        return;
      }
      const refusal = refusalOf(reply, statusCode, headers);
      if (refusal !== undefined) {
        giveUp();
        refuse(reply, refusal);
        return;
      }
      begun = true;
      wholeBytes = smallLengthOf(headers);
      writeHead(reply.code(statusCode), home, headers);
      if (headOnly) {
        raw.end();
      }
    },
    onResponseData(flow, chunk) {
      passedOn(chunk.length);
      if (headOnly) {
        // A short rest is let go by, so that the connection serves again.
        passed += chunk.length;
        if (passed > AHEAD) {
          giveUp();
        }
      } else if (begun && !raw.destroyed) {
        write(raw, chunk, { flow, unread, wholeBytes });
      }
    },
    onResponseEnd() {
      if (begun && !raw.writableEnded) {
        raw.end();
      }
    },
    onResponseError(_controller, error) {
      if (raw.destroyed || givenUp || (headOnly && begun)) {
        return;
      }
      if (!begun) {
        refuse(reply, upstreamFailure(error));
        return;
      }
      // An answer that breaks off must not look like one that ends.
      reply.request.failure = upstreamFailure(error);
      raw.destroy();
    },
  };
}

/** What is told in place of an answer that is not passed on. */
function refusalOf(
  { request }: FastifyReply,
  status: number,
  headers: IncomingHttpHeaders,
): ApiError | undefined {
  return isStatus(status)
    ? askedForSignIn(request.way.target.path, status, headers['www-authenticate'])
    : upstreamFailure(new Error(`the answer has status ${status}, which HTTP does not have`));
}

function refuse(reply: FastifyReply, error: ApiError): void {
  endAfter(reply);
  reply.send(error);
}

/**
 * Nobody reads the rest of an upload that the upstream broke off: a client that sends all of it before it looks at the
 * answer, as Python's does, would wait for ever.
 */
function endAfter(reply: FastifyReply): void {
  if (!reply.request.raw.complete) {
    reply.header('connection', 'close');
  }
}

function smallLengthOf({ 'content-length': length }: IncomingHttpHeaders): number | undefined {
  return length !== undefined && Number(length) <= SMALL_BYTES ? Number(length) : undefined;
}

/** Begins the client's answer. */
function writeHead(reply: FastifyReply, home: Home, answered: IncomingHttpHeaders): void {
  endAfter(reply);
  reply.hijack();
  reply.raw.writeHead(reply.statusCode, {
    ...replyHeaders(answered, home, reply.request.way.target.path),
    ...reply.getHeaders(),
  } as OutgoingHttpHeaders);
}

/** What is known of an answer while it is written. */
interface Writing {
  readonly flow: Dispatcher.DispatchController;
  readonly unread: Unread | undefined;
  /** How long it is, where it is small. */
  readonly wholeBytes: number | undefined;
}

/** Writes a chunk to a client, and holds the upstream up while too much waits for it. */
function write(raw: ServerResponse, chunk: Buffer, { flow, unread, wholeBytes }: Writing): void {
  if (chunk.length === wholeBytes) {
    // Latin-1 keeps every byte, and Node writes text in one piece with the head, for two thirds of the CPU of two pieces.
    raw.end(chunk.toString('latin1'), 'latin1');
    return;
  }
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
