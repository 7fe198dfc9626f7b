import { randomBytes } from 'node:crypto';
import { deflateRawSync, deflateSync, gzipSync, inflateRawSync, inflateSync } from 'node:zlib';
import { beforeEach, describe, expect, test } from 'vitest';
import { readSpanExport } from '../../src/mlflow/read/otlp.ts';
import { createRun, type Person } from '../support/gateway.ts';
import { NEWEST } from '../support/mlflow.ts';
import { sendRaw, statusOf } from '../support/raw-http.ts';
import { encodeHidden, encodeSpans, encodeTwofold, jsonSpans, type TestSpan } from '../support/spans.ts';
import { twoDeflates } from '../support/two-deflates.ts';
import { useNeighbours } from '../support/use-gateway.ts';

const PROTOBUF = 'application/x-protobuf';
const JSON_TYPE = 'application/json';
const newTrace = () => randomBytes(16).toString('hex');

describe('spans sent over OTLP', () => {
  let bobsTrace: string;

  const { gateway, alice, bob, homes } = useNeighbours(NEWEST, { max_json_body_bytes: '200000' });

  beforeEach(async () => {
    bobsTrace = newTrace();
    expect((await send(bob, homes.bob, encodeSpans([{ trace: bobsTrace }]))).status).toBe(200);
  });

  const send = (
    who: Person,
    experiment: string,
    raw: Uint8Array | string,
    headers: Record<string, string> = {},
    contentType = PROTOBUF,
  ) =>
    who.send('POST', '/v1/traces', {
      raw,
      headers: { 'content-type': contentType, 'x-mlflow-experiment-id': experiment, ...headers },
    });

  /** Ids of the spans that are stored for a trace. */
  async function spansOf(trace: string): Promise<string[]> {
    const answer = await gateway.admin.get(`/ajax-api/3.0/mlflow/get-trace-artifact?request_id=tr-${trace}`);
    return (answer.json?.spans ?? []).map(({ span_id }: { span_id: string }) =>
      Buffer.from(span_id, 'base64').toString('hex'),
    );
  }

  const foreign = (span = '00000000000000bb'): TestSpan => ({ trace: bobsTrace, span });

  test('one starts a trace in an experiment one may edit, in every format and packing', async () => {
    for (const [type, body] of [
      [PROTOBUF, (trace: string) => Buffer.from(encodeSpans([{ trace }]))],
      [JSON_TYPE, (trace: string) => Buffer.from(JSON.stringify(jsonSpans([{ trace }])))],
    ] as const) {
      for (const [encoding, pack] of [
        ['', (bytes: Buffer) => bytes],
        ['gzip', gzipSync],
        ['deflate', deflateSync],
        ['deflate', deflateRawSync],
      ] as const) {
        const trace = newTrace();
        const headers = encoding === '' ? {} : { 'content-encoding': encoding };
        const answer = await send(alice, homes.alice, pack(body(trace)), headers, type);
        expect([type, encoding, answer.status]).toEqual([type, encoding, 200]);
        expect(await spansOf(trace)).toEqual(['00000000000000aa']);
      }
    }
  });

  test('one adds spans to a trace of the same experiment', async () => {
    const trace = newTrace();
    await send(alice, homes.alice, encodeSpans([{ trace }]));
    expect((await send(alice, homes.alice, encodeSpans([{ trace, span: '00000000000000bb' }]))).status).toBe(
      200,
    );
    expect((await spansOf(trace)).sort()).toEqual(['00000000000000aa', '00000000000000bb']);
  });

  test('nobody writes into an experiment without EDIT', async () => {
    expect((await send(alice, homes.bob, encodeSpans([{ trace: newTrace() }]))).status).toBe(403);
    expect((await send(gateway.anonymous, homes.bob, encodeSpans([{ trace: newTrace() }]))).status).toBe(401);
  });

  test.each<[string, () => [Uint8Array | string, Record<string, string>?, string?]]>([
    ['alone', () => [encodeSpans([foreign()])]],
    ['behind a span of a trace of their own', () => [encodeSpans([{ trace: newTrace() }, foreign()])]],
    ['in JSON', () => [JSON.stringify(jsonSpans([foreign()])), {}, JSON_TYPE]],
    [
      'in JSON in capitals',
      () => [JSON.stringify(jsonSpans([{ ...foreign(), trace: bobsTrace.toUpperCase() }])), {}, JSON_TYPE],
    ],
    ['packed with gzip', () => [gzipSync(encodeSpans([foreign()])), { 'content-encoding': 'gzip' }]],
    [
      'in another case of the encoding',
      () => [gzipSync(encodeSpans([foreign()])), { 'content-encoding': 'GZIP' }],
    ],
    [
      'packed with deflate, in bytes that bare deflate unpacks to a span of their own',
      () => [
        twoDeflates(encodeSpans([foreign()]), encodeSpans([{ trace: newTrace() }])),
        { 'content-encoding': 'deflate' },
      ],
    ],
    [
      'packed with raw deflate',
      () => [deflateRawSync(encodeSpans([foreign()])), { 'content-encoding': 'deflate' }],
    ],
    [
      'in a second member of the gzip file',
      () => [
        Buffer.concat([gzipSync(encodeSpans([{ trace: newTrace() }])), gzipSync(encodeSpans([foreign()]))]),
        { 'content-encoding': 'gzip' },
      ],
    ],
    [
      'in a member behind zeros, which Python skips and Node does not',
      () => [
        Buffer.concat([
          gzipSync(encodeSpans([{ trace: newTrace() }])),
          Buffer.alloc(3),
          gzipSync(encodeSpans([foreign()])),
        ]),
        { 'content-encoding': 'gzip' },
      ],
    ],
    [
      'by the attribute that MLflow 3.5 believes before the trace id',
      () => [
        encodeSpans([{ trace: newTrace(), attributes: { 'mlflow.traceRequestId': `"tr-${bobsTrace}"` } }]),
      ],
    ],
    [
      'by that attribute, encoded twice',
      () => [
        encodeSpans([
          {
            trace: newTrace(),
            attributes: { 'mlflow.traceRequestId': JSON.stringify(JSON.stringify(`tr-${bobsTrace}`)) },
          },
        ]),
      ],
    ],
  ])('nobody adds spans to a foreign trace: %s', async (_, attack) => {
    const [raw, headers, type] = attack();
    const { status } = await send(alice, homes.alice, raw, headers, type);
    expect([400, 403]).toContain(status);
    expect(await spansOf(bobsTrace)).toEqual(['00000000000000aa']);
  });

  test('a packed body that is another export when it is read as it is, as MLflow before 3.7 does, goes on unpacked', async () => {
    const own = newTrace();
    const body = encodeTwofold([{ trace: own }], [{ trace: bobsTrace, span: '00000000000000bb' }]);
    expect([...readSpanExport(body).traceIds]).toContain(`tr-${bobsTrace}`);
    expect([...readSpanExport(inflateSync(body)).traceIds]).toEqual([`tr-${own}`]);
    expect((await send(alice, homes.alice, body, { 'content-encoding': 'deflate' })).status).toBe(200);
    expect(await spansOf(bobsTrace)).toEqual(['00000000000000aa']);
    expect(await spansOf(own)).toEqual(['00000000000000aa']);
  });

  test.each(['content-encoding, close', 'Close, Content-Encoding', 'close, , content-encoding ,'])(
    'nobody has the header left out by which a body is unpacked: Connection: %s',
    async (connection) => {
      const hidden = encodeSpans([{ ...foreign(), firstTrace: newTrace() }]);
      const body = Buffer.from(encodeHidden(hidden));
      expect(readSpanExport(inflateRawSync(body)).traceIds.size).toBe(0);
      const answer = await sendRaw(gateway.url, {
        method: 'POST',
        target: '/v1/traces',
        headers: {
          authorization: `Basic ${Buffer.from(`${alice.username}:${alice.password}`).toString('base64')}`,
          'content-type': PROTOBUF,
          'content-encoding': 'deflate',
          'x-mlflow-experiment-id': homes.alice,
          connection,
        },
        body,
      });
      expect(statusOf(answer)).toBe(400);
      expect(await spansOf(bobsTrace)).toEqual(['00000000000000aa']);
    },
  );

  test('the other spelling of JSON, in which MLflow reads base64, is refused', async () => {
    const base64 = Buffer.from(bobsTrace, 'hex').toString('base64');
    const span = { trace_id: base64, spanId: '00000000000000bb', name: 'a' };
    const own = { traceId: newTrace(), spanId: '00000000000000bb', name: 'a' };
    for (const body of [
      { resource_spans: [{ scopeSpans: [{ spans: [span] }] }] },
      { resourceSpans: [{ scope_spans: [{ spans: [span] }] }] },
      { resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] },
      { resourceSpans: [{ scopeSpans: [{ spans: [{ ...own, ...span }] }] }] },
      { resourceSpans: [{ scopeSpans: [{ spans: [{ ...own, traceId: base64 }] }] }] },
      { resourceSpans: [{ scopeSpans: [{ spans: [{ ...own, traceId: ` ${bobsTrace}` }] }] }] },
    ]) {
      const answer = await send(alice, homes.alice, JSON.stringify(body), {}, JSON_TYPE);
      expect([JSON.stringify(body), answer.status]).toEqual([JSON.stringify(body), 400]);
    }
    expect(await spansOf(bobsTrace)).toEqual(['00000000000000aa']);
  });

  test('no attribute becomes a tag that says where MLflow reads from', async () => {
    for (const tag of [
      'mlflow.artifactLocation',
      'mlflow.trace.spansLocation',
      'MLFLOW.artifactLocation ',
      'mlflow.ártifactLocation',
    ]) {
      const attributes = { [`mlflow.traceTag.${tag}`]: '"mlflow-artifacts:/0"' };
      expect((await send(alice, homes.alice, encodeSpans([{ trace: newTrace(), attributes }]))).status).toBe(
        403,
      );
      const resource = { [tag]: 'mlflow-artifacts:/0' };
      expect((await send(alice, homes.alice, encodeSpans([{ trace: newTrace() }], resource))).status).toBe(
        403,
      );
    }
    const attributes = { 'mlflow.traceTag.mine': '"yes"' };
    const trace = newTrace();
    expect((await send(alice, homes.alice, encodeSpans([{ trace, attributes }]))).status).toBe(200);
    const { json } = await alice.get(`/api/3.0/mlflow/traces/tr-${trace}`);
    expect(json.trace.trace_info.tags.mine).toBe('yes');
  });

  test('no trace is linked to a foreign run', async () => {
    const bobsRun = await createRun(bob, homes.bob);
    const alicesRun = await createRun(alice, homes.alice);
    const link = (run: string) =>
      send(alice, homes.alice, encodeSpans([{ trace: newTrace() }]), { 'x-mlflow-run-id': run });
    expect((await link(bobsRun)).status).toBe(403);
    expect((await link('nothing')).status).toBe(400);
    expect((await link(alicesRun)).status).toBe(200);
  });

  test('exactly one experiment is named, as MLflow writes it', async () => {
    const spans = encodeSpans([{ trace: newTrace() }]);
    for (const experiment of [
      '',
      `0${homes.alice}`,
      `${homes.alice}, ${homes.bob}`,
      ` ${homes.alice} ${homes.bob}`,
    ]) {
      expect((await send(alice, experiment, spans)).status).toBe(400);
    }
  });

  test('what is not known to be read in one way only is refused', async () => {
    const spans = encodeSpans([{ trace: newTrace() }]);
    const status = async (raw: Uint8Array | string, headers: Record<string, string>, type = PROTOBUF) =>
      (await send(alice, homes.alice, raw, headers, type)).status;
    expect(await status(spans, {}, 'application/octet-stream')).toBe(415);
    expect(await status(spans, { 'content-encoding': 'zstd' })).toBe(415);
    expect(await status(spans, { 'content-encoding': 'gzip, gzip' })).toBe(415);
    expect(await status(spans, { 'content-encoding': 'gzip' })).toBe(400);
    expect(await status(spans.subarray(0, spans.length - 3), {})).toBe(400);
    expect(await status('{"resourceSpans":null}', {}, JSON_TYPE)).toBe(400);
  });

  test('a body that unpacks to more than may be read is refused', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000));
    expect((await send(alice, homes.alice, bomb, { 'content-encoding': 'gzip' })).status).toBe(413);
  });
});
