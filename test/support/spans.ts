import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** A span as a test writes it; attributes are strings. */
export interface TestSpan {
  /** 32 hexadecimal digits. */
  readonly trace: string;
  /** 16 hexadecimal digits. */
  readonly span?: string;
  readonly attributes?: Readonly<Record<string, string>>;
}

const START = 1_700_000_000_000_000_000n;

/** An ExportTraceServiceRequest in binary form. */
export function encodeSpans(
  spans: readonly TestSpan[],
  resource: Readonly<Record<string, string>> = {},
): Uint8Array {
  const scopeSpans = new BinaryWriter();
  for (const span of spans) scopeSpans.tag(2, WireType.LengthDelimited).bytes(encodeSpan(span));
  const resourceSpans = new BinaryWriter();
  resourceSpans.tag(1, WireType.LengthDelimited).bytes(encodeAttributes(1, resource).finish());
  resourceSpans.tag(2, WireType.LengthDelimited).bytes(scopeSpans.finish());
  return new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(resourceSpans.finish()).finish();
}

function encodeSpan({ trace, span = '00000000000000aa', attributes = {} }: TestSpan): Uint8Array {
  const writer = new BinaryWriter();
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

/** The same in OTLP's JSON form. */
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
