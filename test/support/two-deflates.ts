import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** A field that no export of spans has: what lies in it is skipped. */
const UNKNOWN_FIELD = 11;

/** The head that zlib takes for its own and a stored block, and bare deflate for a stored block of 218 bytes. */
const HEAD = [0x78, 0xda, 0x00, 0x25, 0xff];
const FIRST_RAW_BLOCK_END = 223;
const FIRST_ZLIB_BLOCK = 7;
const FIRST_ZLIB_BLOCK_END = FIRST_ZLIB_BLOCK + 0xff25;

const skipped = (length: number) =>
  new BinaryWriter().tag(UNKNOWN_FIELD, WireType.LengthDelimited).uint32(length).finish();

/**
 * Bytes that unpack to two different exports of spans: read as zlib's format, with a few bytes left over, and read as
 * bare deflate, to the end.
 */
export function twoDeflates(asZlib: Uint8Array, asDeflate: Uint8Array): Buffer {
  const zlibEnd = FIRST_ZLIB_BLOCK_END + 5 + asZlib.length + 4;
  const bytes = Buffer.alloc(zlibEnd + 5);
  bytes.set(HEAD);
  // The first thing in it for bare deflate: the unknown field, its tag in two bytes and its length in the next.
  bytes.set([0xda, 0x00], 5);
  // The first thing in it for zlib: the unknown field, up to the end of its block.
  bytes.set(skipped(FIRST_ZLIB_BLOCK_END - FIRST_ZLIB_BLOCK - 4), FIRST_ZLIB_BLOCK);
  const deflated = FIRST_ZLIB_BLOCK + 1 + (bytes[FIRST_ZLIB_BLOCK] ?? 0);
  bytes.set(asDeflate, deflated);
  const rest = deflated + asDeflate.length;
  const secondRaw = FIRST_RAW_BLOCK_END + 5;
  bytes.set(skipped(FIRST_RAW_BLOCK_END - rest - 4 + (zlibEnd - secondRaw)), rest);
  writeStored(bytes, FIRST_RAW_BLOCK_END, 0, zlibEnd - secondRaw);
  writeStored(bytes, FIRST_ZLIB_BLOCK_END, 1, asZlib.length);
  bytes.set(asZlib, FIRST_ZLIB_BLOCK_END + 5);
  const unpacked = bytes.subarray(FIRST_ZLIB_BLOCK, FIRST_ZLIB_BLOCK_END);
  bytes.writeUInt32BE(adler32(Buffer.concat([unpacked, asZlib])), zlibEnd - 4);
  writeStored(bytes, zlibEnd, 1, 0);
  return bytes;
}

/** The head of a stored block (RFC 1951, section 3.2.4). */
function writeStored(bytes: Buffer, at: number, final: 0 | 1, length: number): void {
  bytes.writeUInt8(final, at);
  bytes.writeUInt16LE(length, at + 1);
  bytes.writeUInt16LE(length ^ 0xffff, at + 3);
}

/** RFC 1950, section 8.2. */
function adler32(bytes: Uint8Array): number {
  let low = 1;
  let high = 0;
  for (const byte of bytes) {
    low = (low + byte) % 65_521;
    high = (high + low) % 65_521;
  }
  return high * 65_536 + low;
}
