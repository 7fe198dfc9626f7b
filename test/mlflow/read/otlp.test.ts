import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { describe, expect, test } from 'vitest';
import { readJsonSpanExport, readSpanExport } from '../../../src/mlflow/read/otlp.ts';
import { encodeSpans, jsonSpans } from '../../support/spans.ts';

const A = 'a'.repeat(32);
const B = 'b'.repeat(32);
const REQUEST_ID = 'mlflow.traceRequestId';

/** A message of one field, itself of bytes. */
const field = (number: number, ...values: Uint8Array[]) => {
  const writer = new BinaryWriter();
  for (const value of values) {
    writer.tag(number, WireType.LengthDelimited).bytes(value);
  }
  return writer.finish();
};
/** An export of one span that is written by hand. */
const exportOf = (span: Uint8Array) => field(1, field(2, field(2, span)));
const traceId = Buffer.from(A, 'hex');
/** An attribute whose value is written as a text, and then as bytes. */
const requestIdOf = (text: string, bytes: string) => {
  const value = [field(1, Buffer.from(`"tr-${text}"`)), field(7, Buffer.from(`"tr-${bytes}"`))];
  return Buffer.concat([field(1, Buffer.from(REQUEST_ID)), field(2, Buffer.concat(value))]);
};

describe.each([
  ['binary', (spans: Parameters<typeof encodeSpans>[0]) => readSpanExport(encodeSpans(spans))],
  [
    'JSON',
    (spans: Parameters<typeof encodeSpans>[0]) =>
      readJsonSpanExport(Buffer.from(JSON.stringify(jsonSpans(spans)))),
  ],
])('an export of spans in %s', (_, read) => {
  test('tells the traces that it touches and the keys of its attributes', () => {
    const found = read([
      { trace: A, attributes: { one: '1' } },
      { trace: B },
      { trace: A, attributes: { two: '2' } },
    ]);
    expect([...found.traceIds]).toEqual([`tr-${A}`, `tr-${B}`]);
    expect([...found.attributeKeys]).toEqual(['one', 'two']);
  });

  test.each([`tr-${B}`, JSON.stringify(`tr-${B}`), JSON.stringify(JSON.stringify(`tr-${B}`))])(
    'touches the trace that the attribute of MLflow names: %s',
    (value) => {
      expect([...read([{ trace: A, attributes: { [REQUEST_ID]: value } }]).traceIds].sort()).toEqual([
        `tr-${A}`,
        `tr-${B}`,
      ]);
    },
  );

  test.each(['', 'x', '"x"', 'tr-1', '{}', `["tr-${B}"]`, `tr-${B}\n`, `trace:/1/${B}`])(
    'is refused if that attribute is not a trace id: %j',
    (value) => {
      expect(() => read([{ trace: A, attributes: { [REQUEST_ID]: value } }])).toThrow('not a valid export');
    },
  );
});

describe('a binary export', () => {
  test('without spans touches nothing', () => {
    expect(readSpanExport(new Uint8Array()).traceIds.size).toBe(0);
  });

  test('may have fields that are not known', () => {
    const span = new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(traceId);
    span.tag(99, WireType.Varint).uint32(1).tag(98, WireType.LengthDelimited).bytes(traceId);
    expect([...readSpanExport(exportOf(span.finish())).traceIds]).toEqual([`tr-${A}`]);
  });

  test('in two parts that a parser joins is read in both', () => {
    const both = Buffer.concat([encodeSpans([{ trace: A }]), encodeSpans([{ trace: B }])]);
    expect([...readSpanExport(both).traceIds]).toEqual([`tr-${A}`, `tr-${B}`]);
  });

  test.each<[string, Uint8Array]>([
    ['a span without a trace', exportOf(new Uint8Array())],
    ['a span with two traces', exportOf(field(1, traceId, Buffer.from(B, 'hex')))],
    ['a trace id of 15 bytes', exportOf(field(1, traceId.subarray(1)))],
    ['a trace id of 17 bytes', exportOf(field(1, Buffer.concat([traceId, traceId.subarray(0, 1)])))],
    ['spans as numbers', field(1, field(2, new BinaryWriter().tag(2, WireType.Varint).uint32(1).finish()))],
    ['an end that is cut off', encodeSpans([{ trace: A }]).subarray(0, -1)],
    [
      'an attribute with two keys',
      exportOf(Buffer.concat([field(1, traceId), field(9, field(1, traceId, traceId))])),
    ],
    [
      'a request id that is a text and bytes, the last of which counts',
      exportOf(Buffer.concat([field(1, traceId), field(9, requestIdOf(A, B))])),
    ],
    ['text', Buffer.from('{"resourceSpans":[]}')],
    ['groups in groups without end', Buffer.alloc(1_000_000, 0x0b)],
  ])('with %s is refused', (_, bytes) => {
    expect(() => readSpanExport(bytes)).toThrow('not a valid export');
  });
});

describe('an export in JSON', () => {
  test.each([
    '[]',
    '{"resourceSpans":{}}',
    '{"resourceSpans":null}',
    '{"resourceSpans":[null]}',
    '{"resource_spans":[]}',
    '{"resourceSpans":[{"scope_spans":[]}]}',
    '{"resourceSpans":[{"scopeSpans":[{"spans":[{}]}]}]}',
    '{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"aa"}]}]}]}',
    `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"${A}","trace_id":"x"}]}]}]}`,
    `{"resourceSpans":[],"resourceSpans":[{"scopeSpans":[]}]}`,
    `{"resourceSpans":[{"resource":{"attributes":[{"key":1}]}}]}`,
  ])('such as %s is refused', (text) => {
    expect(() => readJsonSpanExport(Buffer.from(text))).toThrow();
  });
});
