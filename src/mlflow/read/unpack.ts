import { promisify } from 'node:util';
import { gunzip, inflate, inflateRaw, type ZlibOptions } from 'node:zlib';
import { ApiError, invalid } from '../../errors.ts';

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
const UNSUPPORTED = 415;

/**
 * Unpacks a body. It goes on unpacked: the same bytes can be unpacked in two ways, or mean something packed as well,
 * and MLflow before 3.7 reads them as they come, whatever Content-Encoding says.
 *
 * @param encoding - Content-Encoding as it was sent.
 * @param maxBytes - most that may come out.
 * @throws ApiError 400, 413 or 415.
 * @see mlflow/tracing/utils/otlp.py (`decompress_otlp_body`)
 */
export async function unpack(bytes: Buffer, encoding: string | undefined, maxBytes: number): Promise<Buffer> {
  switch (encoding?.toLowerCase()) {
    case undefined:
    case 'identity':
      return bytes;
    case 'gzip':
      return whole(unzip.gzip, bytes, maxBytes);
    case 'deflate':
      // zlib's format (RFC 9110, section 8.4.1.2), or bare deflate as some clients send it: MLflow takes both.
      return whole(unzip.zlib, bytes, maxBytes).catch((error: unknown) => {
        if (!isNotPackedSo(error)) {
          throw error;
        }
        return whole(unzip.raw, bytes, maxBytes);
      });
    default:
      throw new ApiError(
        'BAD_REQUEST',
        'Send spans with the Content-Encoding gzip or deflate, or without one.',
        { status: UNSUPPORTED },
      );
  }
}

/** Whether the bytes are not in the format at all: then alone zlib itself has failed. */
function isNotPackedSo(error: unknown): boolean {
  return error instanceof ApiError && error.status !== TOO_LARGE && error.cause !== undefined;
}

/** Unpacks all of the input or nothing: Node stops at zero bytes behind a gzip member. */
async function whole(how: Unzip, bytes: Buffer, maxBytes: number): Promise<Buffer> {
  const { buffer, engine } = await how(bytes, { maxOutputLength: maxBytes, info: true }).catch(
    (cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'ERR_BUFFER_TOO_LARGE') {
        throw invalid('The body cannot be unpacked.', { cause });
      }
      throw new ApiError('BAD_REQUEST', `The spans are larger than ${maxBytes} bytes when unpacked.`, {
        status: TOO_LARGE,
      });
    },
  );
  if (engine.bytesWritten !== bytes.length) {
    throw invalid('The body has more than what is packed in it.');
  }
  return buffer;
}
