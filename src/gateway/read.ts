import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ApiError, invalid } from '../errors.ts';
import { unpack } from '../mlflow/read/unpack.ts';
import { readUpload } from '../mlflow/read/upload.ts';
import type { Operation, Upload } from '../mlflow/table/match.ts';
import type { Upstream } from '../mlflow/upstream/upstream.ts';
import { createFieldReader, type FieldReader } from './read-fields.ts';
import { type Enforcement, isReported, noteRefusal } from './report.ts';

export interface ReadOptions {
  /** Bytes of a body that is read; bodies that stream through have no limit. */
  readonly maxJsonBodyBytes: number;
  readonly upstream: Pick<Upstream, 'lastVersion'>;
  readonly enforcement: Enforcement;
}

/**
 * Reads what the row judges by, one way only. An admin's request is read only where something
 * follows from it: the rest goes through as it is, and MLflow itself says what is wrong with it.
 */
export function read(app: FastifyInstance, options: ReadOptions): void {
  const fields = createFieldReader(options.upstream);
  app.addHook('preHandler', (request, _reply, done) => {
    const { operation, principal, unrestricted } = request.way;
    // What everybody may send is read where the gateway answers it itself: a form to sign in with.
    const isRead = principal.kind !== 'anonymous' || operation?.isOwn === true;
    if (!isRead || (operation === undefined && !unrestricted)) {
      done();
      return;
    }
    if (operation === undefined || (unrestricted && operation.reading.ofUnrestricted === 'no')) {
      return takeIfSmall(request, done);
    }
    const { reading } = operation;
    const tolerate = toleranceOf(request, options.enforcement);
    if (operation.method === 'GET') {
      readQueryOf(request, operation, tolerate, fields);
      done();
      return;
    }
    if (reading.query) {
      readQueryOf(request, operation, tolerate, fields);
    } else if (request.way.target.rawQuery) {
      readOrTolerate(tolerate, refuseQuery);
    }
    if (reading.body === 'stream') {
      return takeIfSmall(request, done);
    }
    if (operation.isOwn) {
      refuseOtherThanJson(request, operation);
    }
    const read = withBody(readBody(request, operation, limitOf(operation, options)), (bytes) => {
      request.way.bytes = bytes;
      return typeof reading.body === 'object'
        ? judgeUpload(request, operation, bytes, reading.body, fields).catch((error: unknown) => {
            // It goes on as it came.
            request.way.bytes = bytes;
            readOrTolerate(tolerate, () => {
              throw error;
            });
          })
        : judgeBody(request, operation, bytes, tolerate, fields);
    });
    if (read === undefined) {
      done();
    }
    return read;
  });
}

/** Uses a body at once if it has come. */
function withBody(
  body: Buffer | Promise<Buffer>,
  use: (bytes: Buffer) => Promise<void> | undefined,
): Promise<void> | undefined {
  return body instanceof Promise ? body.then(use) : use(body);
}

/** More than a name, a password and an address are never sent without an account. */
const MOST_OF_ANYBODY_BYTES = 16 * 1024;

function limitOf({ need }: Operation, { maxJsonBodyBytes }: ReadOptions): number {
  return need === 'public' ? MOST_OF_ANYBODY_BYTES : maxJsonBodyBytes;
}

/** A body that nobody looks into is taken whole up to this length: one piece costs half of what a stream does to send on. */
const SMALL_BYTES = 256 * 1024;

function takeIfSmall(request: FastifyRequest, done: () => void): Promise<void> | undefined {
  const length = Number(request.headers['content-length'] ?? 0);
  if (length === 0 || length > SMALL_BYTES) {
    done();
    return undefined;
  }
  const taken = withBody(collect(request, SMALL_BYTES), (bytes) => {
    request.way.bytes = bytes;
    return undefined;
  });
  if (taken === undefined) {
    done();
  }
  return taken;
}

function readQueryOf(
  request: FastifyRequest,
  operation: Operation,
  tolerate: Tolerate | undefined,
  fields: FieldReader,
): void {
  const { rawQuery } = request.way.target;
  if (rawQuery === undefined || rawQuery === '') {
    return;
  }
  readOrTolerate(tolerate, () => fields.query(request, operation, rawQuery));
}

function refuseQuery(): never {
  throw invalid('This request takes its parameters in the body. Send it without a query string.');
}

/** What a form of another site can send is never taken for JSON (CVE-2025-1473); no form can send a DELETE. */
function refuseOtherThanJson(request: FastifyRequest, { method, reading }: Operation): void {
  if (reading.body === 'form' || method === 'DELETE' || mediaTypeOf(request) === 'application/json') {
    return;
  }
  throw invalid('Invalid content type. Must be application/json');
}

function mediaTypeOf({ headers }: FastifyRequest): string {
  const [type = ''] = (headers['content-type'] ?? '').split(';', 1);
  return type.trim().toLowerCase();
}

/** The fields of a form; none if it is another body. */
function readForm(request: FastifyRequest, bytes: Buffer): Record<string, string> {
  if (mediaTypeOf(request) !== 'application/x-www-form-urlencoded') {
    return {};
  }
  const fields = [...new URLSearchParams(bytes.toString('utf8'))];
  // No database of text has it, and no form that a user fills in.
  if (fields.some(([, value]) => value.includes('\0'))) {
    throw invalid('A field has a zero character.');
  }
  return Object.fromEntries(fields);
}

function judgeBody(
  request: FastifyRequest,
  operation: Operation,
  bytes: Buffer,
  tolerate: Tolerate | undefined,
  fields: FieldReader,
): undefined {
  readOrTolerate(tolerate, () => {
    if (operation.reading.body === 'bytes') {
      return;
    }
    if (operation.reading.body === 'form') {
      request.way.body = readForm(request, bytes);
      return;
    }
    fields.body(request, operation, bytes);
    // MLflow 3's user API takes a DELETE without a body by its query.
    if (operation.method === 'DELETE' && bytes.length === 0 && operation.isOwn) {
      request.way.body = Object.fromEntries([...request.way.query].map(([name, [value]]) => [name, value]));
    }
  });
}

/** A form is sent on with the JSON that was judged, and written anew. */
async function judgeUpload(
  request: FastifyRequest,
  operation: Operation,
  bytes: Buffer,
  parts: Upload,
  fields: FieldReader,
): Promise<void> {
  const { way } = request;
  switch (mediaTypeOf(request)) {
    case 'application/json':
      fields.body(request, operation, bytes);
      return;
    case 'multipart/form-data': {
      const form = await readUpload(bytes, request.headers['content-type'] ?? '', parts);
      way.bytes = form.json;
      fields.body(request, operation, form.json);
      const { bytes: written, contentType } = await form.written(way.bytes);
      way.bytes = written;
      request.raw.headers['content-type'] = contentType;
      return;
    }
    default:
      throw invalid('Send application/json or multipart/form-data.');
  }
}

/** What becomes of a request that cannot be read and is forwarded all the same. */
type Tolerate = (error: ApiError) => void;

/**
 * What becomes of a request that cannot be read: an admin's passes as it is, and one whose permissions are only reported
 * passes with a note. Undefined if it is refused.
 */
function toleranceOf({ way }: FastifyRequest, enforcement: Enforcement): Tolerate | undefined {
  if (isReported(way, enforcement)) {
    return (error) => noteRefusal(way, error);
  }
  return way.unrestricted && way.operation?.reading.ofUnrestricted === 'lenient' ? () => {} : undefined;
}

function readOrTolerate(tolerate: Tolerate | undefined, reading: () => void): void {
  try {
    reading();
  } catch (error) {
    if (tolerate === undefined || !(error instanceof ApiError)) {
      throw error;
    }
    tolerate(error);
  }
}

function readBody(request: FastifyRequest, operation: Operation, limit: number): Buffer | Promise<Buffer> {
  const encoding = request.headers['content-encoding'];
  const packed = encoding !== undefined && encoding !== 'identity';
  if (packed && operation.reading.body !== 'bytes') {
    throw new ApiError('BAD_REQUEST', 'Send the body without Content-Encoding.', { status: 415 });
  }
  if (request.body === undefined || request.body === null) {
    return Buffer.alloc(0);
  }
  if (Number(request.headers['content-length'] ?? 0) > limit) {
    throw tooLarge(limit);
  }
  const body = collect(request, limit);
  if (!packed) {
    return body;
  }
  // What goes on is not packed any more.
  delete request.raw.headers['content-encoding'];
  return Promise.resolve(body).then((bytes) => unpack(bytes, encoding, limit));
}

/**
 * Takes a body whole: at once if it has come, as a small one has when its request is judged, or else by events, as an async
 * iterator costs more than all the judging of it.
 *
 * @throws ApiError 413 for one that is longer than `limit`.
 */
export function collect({ raw: stream, way }: FastifyRequest, limit: number): Buffer | Promise<Buffer> {
  way.cameLate = !way.cameWhole;
  if (stream.complete && stream.readable) {
    const bytes: Buffer = stream.read() ?? Buffer.alloc(0);
    if (bytes.length > limit) {
      throw tooLarge(limit);
    }
    return bytes;
  }
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    stream.on('data', (chunk: Buffer) => {
      length += chunk.byteLength;
      if (length > limit) {
        stream.pause();
        reject(tooLarge(limit));
      } else {
        chunks.push(chunk);
      }
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
