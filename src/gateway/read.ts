import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ApiError, invalid } from '../errors.ts';
import { queryShapeOf } from '../mlflow/read/fields.ts';
import { readJson } from '../mlflow/read/json.ts';
import { readMessage } from '../mlflow/read/message.ts';
import { readQuery } from '../mlflow/read/query.ts';
import { unpack } from '../mlflow/read/unpack.ts';
import type { Operation } from '../mlflow/table/match.ts';
import type { Rule } from '../mlflow/table/row.ts';

export interface ReadOptions {
  /** Bytes of a body that is read; bodies that stream through have no limit. */
  readonly maxJsonBodyBytes: number;
}

/** Rules that look into the request whoever sends it. */
const ALWAYS_READ: ReadonlySet<Rule['rule']> = new Set([
  'adopt',
  'rename',
  'forget',
  'learn',
  'own',
  'serve',
]);

/**
 * Rules that need a reading even of an admin's request: our own operations carry it out, and a delete or rename that
 * MLflow understood and we did not would leave its grants to whatever gets the name next.
 */
const STRICT: readonly Rule['rule'][] = ['serve', 'forget', 'rename'];

/**
 * Reads what the row judges by, one way only. An admin's request is read only where something
 * follows from it: the rest goes through as it is, and MLflow itself says what is wrong with it.
 */
export function read(app: FastifyInstance, options: ReadOptions): void {
  app.addHook('preHandler', (request, _reply, done) => {
    const { operation, principal } = request.way;
    if (operation === undefined || principal.kind === 'anonymous') {
      done();
      return;
    }
    if (principal.isAdmin && !operation.rules.some(({ rule }) => ALWAYS_READ.has(rule))) {
      done();
      return;
    }
    const lenient = principal.isAdmin && !STRICT.some((rule) => operation.ruleNames.has(rule));
    if (operation.method === 'GET') {
      readQueryOf(request, operation, lenient);
      done();
      return;
    }
    if (operation.ruleNames.has('takes-query') || operation.ruleNames.has('serve'))
      readQueryOf(request, operation, lenient);
    else if (request.way.target.rawQuery) refuseQuery(lenient);
    if (operation.ruleNames.has('streams')) {
      done();
      return;
    }
    if (operation.ruleNames.has('serve')) refuseOtherThanJson(request, operation);
    return readBody(request, operation, options.maxJsonBodyBytes).then((bytes) => {
      request.way.bytes = bytes;
      judgeBody(request, operation, bytes, lenient);
    });
  });
}

function readQueryOf(request: FastifyRequest, operation: Operation, lenient: boolean): void {
  const { rawQuery } = request.way.target;
  if (rawQuery === undefined || rawQuery === '') return;
  attempt(lenient, () => {
    request.way.query = readQuery(rawQuery, queryShapeOf(operation.name));
  });
}

function refuseQuery(lenient: boolean): void {
  if (lenient) return;
  throw invalid('This request takes its parameters in the body. Send it without a query string.');
}

/** What a form of another site can send is never taken for JSON (CVE-2025-1473); no form can send a DELETE. */
function refuseOtherThanJson(request: FastifyRequest, { method, ruleNames }: Operation): void {
  if (ruleNames.has('takes-form') || method === 'DELETE' || mediaTypeOf(request) === 'application/json')
    return;
  throw invalid('Invalid content type. Must be application/json');
}

function mediaTypeOf({ headers }: FastifyRequest): string {
  const [type = ''] = (headers['content-type'] ?? '').split(';', 1);
  return type.trim().toLowerCase();
}

/** The fields of a form; none if it is another body. */
function readForm(request: FastifyRequest, bytes: Buffer): Record<string, string> {
  if (mediaTypeOf(request) !== 'application/x-www-form-urlencoded') return {};
  return Object.fromEntries(new URLSearchParams(bytes.toString('utf8')));
}

function judgeBody(request: FastifyRequest, operation: Operation, bytes: Buffer, lenient: boolean): void {
  attempt(lenient, () => {
    if (readsBytes(operation)) return;
    if (operation.ruleNames.has('takes-form')) {
      request.way.body = readForm(request, bytes);
      return;
    }
    const json = readJson(bytes);
    request.way.body = operation.shape === undefined ? json : readMessage(json, operation.shape);
    // MLflow 3's user API takes a DELETE without a body by its query.
    if (operation.method === 'DELETE' && bytes.length === 0 && operation.ruleNames.has('serve')) {
      request.way.body = Object.fromEntries([...request.way.query].map(([name, [value]]) => [name, value]));
    }
  });
}

/** Runs a reading that refuses; an admin's request that cannot be read is forwarded all the same. */
function attempt(lenient: boolean, reading: () => void): void {
  try {
    reading();
  } catch (error) {
    if (!lenient || !(error instanceof ApiError)) throw error;
  }
}

function readBody(request: FastifyRequest, operation: Operation, limit: number): Promise<Buffer> {
  const encoding = request.headers['content-encoding'];
  const packed = encoding !== undefined && encoding !== 'identity';
  if (packed && !readsBytes(operation)) {
    throw new ApiError('BAD_REQUEST', 'Send the body without Content-Encoding.', { status: 415 });
  }
  if (request.body === undefined || request.body === null) return Promise.resolve(Buffer.alloc(0));
  if (Number(request.headers['content-length'] ?? 0) > limit) throw tooLarge(limit);
  const body = collect(request.raw, limit);
  return packed ? body.then((bytes) => unpack(bytes, encoding, limit)) : body;
}

/** By events: an async iterator costs more than all the judging of a small body. */
function collect(stream: Readable, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    stream.on('data', (chunk: Buffer) => {
      length += chunk.byteLength;
      if (length > limit) {
        stream.pause();
        reject(tooLarge(limit));
      } else chunks.push(chunk);
    });
    stream.once('end', () => {
      const [only] = chunks;
      resolve(chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, length));
    });
    stream.once('error', reject);
  });
}

function tooLarge(limit: number): ApiError {
  return new ApiError('BAD_REQUEST', `The body is larger than ${limit} bytes, the most this gateway reads.`, {
    status: 413,
    // What is left of the body is not waited for.
    headers: { connection: 'close' },
  });
}

/** Whether a judge of its own reads the body, in whatever format it is; it may be packed. */
function readsBytes(operation: Operation): boolean {
  return operation.rules.some((each) => each.rule === 'special' && each.name === 'otlp');
}
