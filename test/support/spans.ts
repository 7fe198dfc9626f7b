import { deflateSync } from 'node:zlib';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** A span as a test writes it; attributes are strings. */
export interface TestSpan {
  /** 32 hexadecimal digits. */
  readonly trace: string;
  /** 16 hexadecimal digits. */
  readonly span?: string;
  readonly attributes?: Readonly<Record<string, string>>;
  /** Written before the trace id, in the same field: readers that take the last of two do not see it. */
  readonly firstTrace?: string;
}

const START = 1_700_000_000_000_000_000n;

/** An ExportTraceServiceRequest in binary form. */
export function encodeSpans(
  spans: readonly TestSpan[],
  resource: Readonly<Record<string, string>> = {},
): Uint8Array {
  const scopeSpans = new BinaryWriter();
  for (const span of spans) {
    scopeSpans.tag(2, WireType.LengthDelimited).bytes(encodeSpan(span));
  }
  const resourceSpans = new BinaryWriter();
  resourceSpans.tag(1, WireType.LengthDelimited).bytes(encodeAttributes(1, resource).finish());
  resourceSpans.tag(2, WireType.LengthDelimited).bytes(scopeSpans.finish());
  return new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(resourceSpans.finish()).finish();
}

function encodeSpan({ trace, firstTrace, span = '00000000000000aa', attributes = {} }: TestSpan): Uint8Array {
  const writer = new BinaryWriter();
  if (firstTrace !== undefined) {
    writer.tag(1, WireType.LengthDelimited).bytes(Buffer.from(firstTrace, 'hex'));
  }
  writer.tag(1, WireType.LengthDelimited).bytes(Buffer.from(trace, 'hex'));
  writer.tag(2, WireType.LengthDelimited).bytes(Buffer.from(span, 'hex'));
  writer.tag(5, WireType.LengthDelimited).string('a span');
  writer.tag(7, WireType.Bit64).fixed64(START);
  writer.tag(8, WireType.Bit64).fixed64(START + 1_000_000n);
  return writer.raw(encodeAttributes(9, attributes).finish()).finish();
}

function encodeAttributes(field: number, attributes: Readonly<Record<string, string>>): BinaryWriter {
  const writer = new BinaryWriter();
  for (const [key, value] of Object.entries(attributes)) {
    const text = new BinaryWriter().tag(1, WireType.LengthDelimited).string(value).finish();
    const attribute = new BinaryWriter().tag(1, WireType.LengthDelimited).string(key);
    attribute.tag(2, WireType.LengthDelimited).bytes(text);
    writer.tag(field, WireType.LengthDelimited).bytes(attribute.finish());
  }
  return writer;
}

/**
 * A body that is one export of spans when it is inflated, and another when it is read as it is: a stored block of
 * zlib's format (RFC 1950, RFC 1951) keeps its content readable, and each byte of the packing is at once a part of a
 * protobuf field that parsers skip.
 */
export function encodeTwofold(inflated: readonly TestSpan[], asItIs: readonly TestSpan[]): Uint8Array {
  // Field 1, of 122 bytes, to a user who reads the body as it is; to a user who inflates it `0x0a` is a number, `0x7a`
  // the tag of field 15 and `0x79` the length of what is skipped.
  const hidden = Buffer.alloc(122);
  hidden[0] = 0x79;
  const resourceSpans = encodeSpans(asItIs).subarray(2);
  const behind = 9 + resourceSpans.length;
  hidden.set(resourceSpans, 9);
  if (behind < hidden.length) {
    hidden.set([0x7a, hidden.length - behind - 2], behind);
  }
  const shown = [0x78, 0x0a, 0x7a, ...hidden, ...encodeSpans(inflated)];
  // A length whose two bytes are a number, and whose complement begins the next field.
  const length = 0x187;
  const padding = length - shown.length - 3;
  const content = Buffer.from([
    ...shown,
    0x7a,
    0x80 | (padding & 0x7f),
    padding >> 7,
    ...Array(padding).fill(0),
  ]);
  const block = [0x78, length & 0xff, length >> 8, ~length & 0xff, (~length >> 8) & 0xff];
  const checksum = deflateSync(content).subarray(-4);
  return Buffer.from([0x78, 0x01, ...block, ...content, 0x79, 0x00, 0x00, 0xff, 0xff, ...checksum]);
}

/**
 * A body that is an export without spans when it is inflated, and these bytes when it is read as it is: the head of a
 * stored block without padding (RFC 1951, section 3.2.4) and the field that hides them from an inflater are together
 * one number to others, which they skip.
 */
export function encodeHidden(asItIs: Uint8Array): Uint8Array {
  const { length } = asItIs;
  const skipped = [0x6a, 0x80 | (length & 0x7f), 0x80 | ((length >> 7) & 0x7f), length >> 14];
  const stored = skipped.length + length;
  const head = [0x71, stored & 0xff, stored >> 8, ~stored & 0xff, (~stored >> 8) & 0xff];
  return Buffer.from([...head, ...skipped, ...asItIs]);
}

/** An export of spans in OTLP's JSON form. */
export function jsonSpans(spans: readonly TestSpan[]) {
  return {
    resourceSpans: [
      {
        scopeSpans: [
          {
            spans: spans.map(({ trace, span = '00000000000000aa', attributes = {} }) => ({
              traceId: trace,
              spanId: span,
              name: 'a span',
              startTimeUnixNano: String(START),
              endTimeUnixNano: String(START + 1_000_000n),
              attributes: Object.entries(attributes).map(([key, stringValue]) => ({
                key,
                value: { stringValue },
              })),
            })),
          },
        ],
      },
    ],
  };
}
