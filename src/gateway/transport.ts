import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import querystring from 'node:querystring';
import type { FastifyInstance } from 'fastify';
import { ApiError, invalid } from '../errors.ts';
import { ANONYMOUS } from '../identity/principal.ts';
import { holdsToken } from '../identity/token-secret.ts';
import { readTarget, type Target, writeTarget } from '../mlflow/read/target.ts';
import { foreignConnectionOption } from '../mlflow/upstream/headers.ts';
import type { Reply } from '../reply.ts';
import { sendReply } from './reply.ts';
import { withoutPrefix } from './static-prefix.ts';
import type { OpenWay } from './way.ts';

const EMPTY_TARGET: Target = readTarget('/');

/** Where a request keeps its target until its first stage: a WeakMap would cost more than it takes to read the target. */
const TARGET = Symbol('target');

type Marked = IncomingMessage & { [TARGET]?: Target | Reply | ApiError };

/**
 * Makes Fastify's `rewriteUrl`, which takes the prefix off and brings the target into its one canonical form before
 * anything routes by it, so that what is judged is what is forwarded. A target that has none is remembered as a refusal.
 *
 * @param prefix - such as `/mlflow`; empty for none.
 */
export function rewriteUrlUnder(prefix: string): (raw: IncomingMessage) => string {
  return (raw: Marked) => {
    try {
      refuseToken(raw.url ?? '');
      const rest = withoutPrefix(raw.url ?? '', prefix);
      const target = typeof rest === 'string' ? readTarget(rest) : rest;
      raw[TARGET] = target;
      return isTarget(target) ? writeTarget(target) : '/';
    } catch (error) {
      if (!(error instanceof ApiError)) {
        throw error;
      }
      raw[TARGET] = error;
      return '/';
    }
  };
}

/** A URL stays in histories and in the logs of all who pass it on; here it does not get as far as the log. */
function refuseToken(url: string): void {
  if (holdsToken(url.includes('%') ? querystring.unescape(url) : url)) {
    throw invalid(
      'A token must not stand in a URL, which logs and histories keep. Rotate this one, and send it as Authorization: Bearer TOKEN.',
      { because: 'a token in the URL' },
    );
  }
}

function isTarget(target: Target | Reply | ApiError): target is Target {
  return 'segments' in target;
}

/** A way on which nothing has been learned yet. */
function newWay(target: Target): OpenWay {
  return {
    target,
    principal: ANONYMOUS,
    workspace: undefined,
    unrestricted: false,
    triedAs: undefined,
    signInFailed: false,
    signedIn: false,
    reported: false,
    refusal: undefined,
    operation: undefined,
    params: {},
    query: new Map(),
    bytes: undefined,
    cameWhole: false,
    cameLate: false,
    place: undefined,
    waitedMs: 0,
    body: {},
    judged: [],
    because: '',
    written: [],
    shows: undefined,
    rewrite: undefined,
    readAs: undefined,
  };
}

/**
 * First stage: refuses what two HTTP parsers could take for different requests. Smuggling by
 * Content-Length and Transfer-Encoding, bare line feeds and CONNECT never get here: Node's parser
 * refuses them, and every request is framed anew on its way to the upstream (RFC 9112, section 11).
 */
export function transport(app: FastifyInstance): void {
  app.decorateRequest('way');
  oneAfterTheOther(app);
  app.addHook('onRequest', (request, reply, done) => {
    const { raw } = request;
    reply.raw.on('timeout', (socket: Socket) => {
      if (isWaitedFor(raw, socket)) {
        socket.destroy();
      } else {
        socket.setTimeout(socket.timeout ?? 0);
      }
    });
    const { [TARGET]: target = readTarget(raw.url ?? '') } = raw as Marked;
    request.way = newWay(isTarget(target) ? target : EMPTY_TARGET);
    if (target instanceof ApiError) {
      throw target;
    }
    if (!isTarget(target)) {
      sendReply(reply, target);
      return;
    }
    const { headers, method } = request.raw;
    if (headers.upgrade?.toLowerCase() === 'websocket') {
      throw invalid('WebSocket connections are not served here.', { headers: { connection: 'close' } });
    }
    if (namesTwoHosts(request.raw.rawHeaders)) {
      throw invalid('A request names one Host.');
    }
    const foreign = foreignConnectionOption(headers.connection);
    if (foreign !== undefined) {
      throw invalid(
        `The Connection header names '${foreign}', which is not a header of the connection alone.`,
      );
    }
    if (method === 'OPTIONS') {
      sendReply(reply, { status: 204, headers: { allow: 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS' } });
      return;
    }
    // MLflow takes the parameters of a GET from its body where the query is empty, and those of every HEAD.
    if (hasBodyOfQuery(raw) && request.way.target.rawQuery) {
      throw invalid(`A ${method} request has its parameters in the query or in a body, not in both.`);
    }
    done();
  });
}

/** Requests that may wait on one connection for the answer to one before; clients of MLflow send one at a time. */
const MOST_PIPELINED = 100;

/**
 * Has each request wait until those before it on its connection are answered: Node hands all of them over at once, and
 * one connection could have as many at the upstream as fit into a packet.
 */
function oneAfterTheOther(app: FastifyInstance): void {
  const waiting = new WeakMap<Socket, number>();
  app.addHook('onRequest', ({ raw }, reply, done) => {
    // An answer has a socket when it is its turn.
    if (reply.raw.socket !== null) {
      done();
      return;
    }
    const { socket } = raw;
    const before = waiting.get(socket) ?? 0;
    if (before === MOST_PIPELINED) {
      socket.destroy();
      return;
    }
    waiting.set(socket, before + 1);
    reply.raw.once('socket', () => {
      waiting.set(socket, (waiting.get(socket) ?? 1) - 1);
      done();
    });
  });
}

/**
 * Whether a connection on which nothing has moved for a while stands still for its client: one that leaves an answer
 * unread, or a body half sent. It keeps a connection to the upstream busy, of which there are only so many: a few
 * such clients, with no account at all, would keep everybody else out. Waiting for the upstream is no such thing.
 */
function isWaitedFor(request: IncomingMessage, socket: Socket): boolean {
  const wantsMore = request.readableFlowing === true && !request.complete;
  return socket.writableLength > 0 || wantsMore;
}

/** Whether a request that takes its parameters from the query comes with a body. */
export function hasBodyOfQuery({ method, headers }: IncomingMessage): boolean {
  const length = headers['content-length'];
  return (
    (method === 'GET' || method === 'HEAD') &&
    ((length !== undefined && length !== '0') || headers['transfer-encoding'] !== undefined)
  );
}

/** Node takes the first of several, another reader the last (RFC 9112, section 3.2, wants a 400). */
function namesTwoHosts(rawHeaders: readonly string[]): boolean {
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 4 && name.toLowerCase() === 'host') {
      hosts += 1;
    }
  }
  return hosts > 1;
}
