import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';

/** What is written at once: that a client takes some of it is not seen before it has taken all. */
const PIECE_BYTES = 64 * 1024;
/** What is written at once in any case. */
const WHOLE_BYTES = 256 * 1024;

/** Sends bytes that are there whole, in pieces if they are many. */
export function sendBytes(reply: FastifyReply, bytes: Buffer): FastifyReply {
  if (bytes.byteLength <= WHOLE_BYTES || reply.request.raw.method === 'HEAD') {
    return reply.removeHeader('content-length').send(bytes);
  }
  return reply.header('content-length', bytes.byteLength).send(Readable.from(piecesOf(bytes)));
}

function* piecesOf(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.byteLength; at += PIECE_BYTES) {
    yield bytes.subarray(at, at + PIECE_BYTES);
  }
}
