import { promisify } from 'node:util';
import { gunzip, inflate, inflateRaw, type ZlibOptions } from 'node:zlib';
import { ApiError, denied, invalid } from '../../errors.ts';
import {
  readJsonSpanExport,
  readSpanExport,
  type SpanExport,
  TRACE_TAG_PREFIX,
} from '../../mlflow/read/otlp.ts';
import { names, REDIRECTING_TRACE_KEYS } from '../../mlflow/things/trace-keys.ts';
import type { Judge } from '../judge/judge.ts';
import { judgeAll } from '../judge/judge-all.ts';
import type { Special } from './special.ts';

/** Traces of one export: each is looked up. The OpenTelemetry SDKs send 512 spans at most unless told otherwise. */
const MOST_TRACES = 1000;

/**
 * Judges an export of spans. MLflow adds spans to whatever trace they name, in whatever experiment that
 * lies (verified on 3.17.2): each trace must be new, or lie in the experiment that the header names.
 *
 * @see https://opentelemetry.io/docs/specs/otlp/#otlphttp-request
 */
export function otlp(judge: Judge, maxBytes: number): Special {
  return async (request, caller) => {
    const { headers } = request.raw;
    const bytes = request.way.bytes ?? Buffer.alloc(0);
    const decoded = await decode(bytes, headers['content-encoding'], maxBytes);
    const { traceIds, attributeKeys } = readAs(headers['content-type'], decoded);
    if (traceIds.size > MOST_TRACES)
      throw invalid(`Send the spans of at most ${MOST_TRACES} traces at once.`);
    for (const key of attributeKeys) {
      // MLflow 3.17 makes a tag of the trace from it, after all its own checks of tags.
      const tag = key.startsWith(TRACE_TAG_PREFIX) ? key.slice(TRACE_TAG_PREFIX.length) : key;
      if (names(REDIRECTING_TRACE_KEYS, tag)) {
        throw denied(`The attribute '${key}' decides where MLflow reads from; only an admin may set it.`);
      }
    }
    const references = [...traceIds].map(
      (id) => ({ kind: 'trace', id, action: 'update', fresh: true }) as const,
    );
    await judgeAll(request, caller, references, judge);
  };
}

function readAs(contentType: string | undefined, bytes: Buffer): SpanExport {
  switch (contentType?.split(';')[0]?.trim()) {
    case 'application/x-protobuf':
      return readSpanExport(bytes);
    case 'application/json':
      return readJsonSpanExport(bytes);
    default:
      throw unsupported('Send spans as application/x-protobuf or application/json.');
  }
}

async function decode(bytes: Buffer, encoding: string | undefined, maxBytes: number): Promise<Buffer> {
  switch (encoding?.toLowerCase()) {
    case undefined:
    case 'identity':
      return bytes;
    case 'gzip':
      return whole(unzip.gzip, bytes, maxBytes);
    case 'deflate':
      refuseSecondReading(bytes);
      // zlib's format (RFC 9110, section 8.4.1.2), or bare deflate as some clients send it: MLflow tries both. It is
      // content with zlib's format and anything behind it, so what is refused for that must not be tried again:
      // bytes can be made that unpack to something else either way.
      return whole(unzip.zlib, bytes, maxBytes).catch((error: unknown) => {
        if (!isNotPackedSo(error)) throw error;
        return whole(unzip.raw, bytes, maxBytes);
      });
    default:
      throw unsupported('Send spans with the Content-Encoding gzip or deflate, or without one.');
  }
}

/** With `info`, what comes back says how much of the input it took. */
type Unzip = (
  bytes: Buffer,
  options: ZlibOptions,
) => Promise<{ readonly buffer: Buffer; readonly engine: { readonly bytesWritten: number } }>;

const unzip = {
  gzip: promisify(gunzip) as unknown as Unzip,
  zlib: promisify(inflate) as unknown as Unzip,
  raw: promisify(inflateRaw) as unknown as Unzip,
};

const TOO_LARGE = 413;

/** Whether the bytes are not in the format at all: then alone zlib itself has failed. */
function isNotPackedSo(error: unknown): boolean {
  return error instanceof ApiError && error.status !== TOO_LARGE && error.cause !== undefined;
}

/**
 * Unpacks all of the input or nothing: Node stops at zero bytes behind a gzip member, where Python skips
 * them and reads the next one.
 */
async function whole(how: Unzip, bytes: Buffer, maxBytes: number): Promise<Buffer> {
  const { buffer, engine } = await how(bytes, { maxOutputLength: maxBytes, info: true }).catch(
    (cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'ERR_BUFFER_TOO_LARGE') throw invalid('The body cannot be unpacked.', { cause });
      throw new ApiError('BAD_REQUEST', `The spans are larger than ${maxBytes} bytes when unpacked.`, {
        status: TOO_LARGE,
      });
    },
  );
  if (engine.bytesWritten !== bytes.length) throw invalid('The body has more than what is packed in it.');
  return buffer;
}

/**
 * MLflow 3.5 reads the body as it came, whatever its encoding. Nothing that starts like gzip is
 * protobuf, but a deflated body could be built to be.
 */
function refuseSecondReading(bytes: Buffer): void {
  let read: SpanExport;
  try {
    read = readSpanExport(bytes);
  } catch {
    return;
  }
  if (read.traceIds.size > 0) throw invalid('The body can be read both packed and as it is.');
}

const unsupported = (message: string) => new ApiError('BAD_REQUEST', message, { status: 415 });
