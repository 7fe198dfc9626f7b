import { describe, expect, test } from 'vitest';
import { createRun, type Person, unique } from '../support/gateway.ts';
import { MLFLOW_VERSIONS, NEWEST } from '../support/mlflow.ts';
import { encodeSpans } from '../support/spans.ts';
import { newTraceId, startTrace, startTraceV2, traceBody } from '../support/traces.ts';
import { useNeighbours } from '../support/use-gateway.ts';

const REDIRECTING = [
  'mlflow.artifactLocation',
  'mlflow.trace.spansLocation',
  'mlflow.trace.archiveLocation',
  'mlflow.trace.archivalFailure',
  'MLflow.ArtifactLocation',
];

/** A request: method, path behind `/api/`, JSON body. */
type Asked = readonly [method: string, path: string, json?: unknown];

const statusOf = async (who: Person, [method, path, json]: Asked) =>
  (await who.send(method, `/api/${path}`, json === undefined ? {} : { json })).status;

/** Expects that the owner of a trace may do it and another user may not: in this order, so that the refused come first. */
const onlyOf = (owner: Person, other: Person) => async (requests: readonly Asked[]) => {
  for (const request of requests) {
    expect([request, await statusOf(other, request)]).toEqual([request, 403]);
    expect([request, await statusOf(owner, request)]).toEqual([request, 200]);
  }
};

describe.each(MLFLOW_VERSIONS)('traces of the API of MLflow 2, in MLflow %s', (version) => {
  const { alice, bob, homes } = useNeighbours(version);
  const expectOwnOnly = onlyOf(alice, bob);

  test('only those who may use the experiment use its traces', async () => {
    const id = await startTraceV2(alice, homes.alice);
    await expectOwnOnly([
      ['POST', '2.0/mlflow/traces', { experiment_id: homes.alice, timestamp_ms: 1 }],
      ['GET', `2.0/mlflow/traces/${id}/info`],
      ['GET', `2.0/mlflow/traces?experiment_ids=${homes.alice}`],
      ['PATCH', `2.0/mlflow/traces/${id}/tags`, { key: 'a', value: 'b' }],
      ['DELETE', `2.0/mlflow/traces/${id}/tags`, { key: 'a' }],
      ['PATCH', `2.0/mlflow/traces/${id}`, { timestamp_ms: 2, status: 'OK' }],
      ['POST', '2.0/mlflow/traces/delete-traces', { experiment_id: homes.alice, request_ids: [id] }],
    ]);
  });

  test('a search that names one foreign experiment among others is refused', async () => {
    for (const query of [
      `experiment_ids=${homes.alice}&experiment_ids=${homes.bob}`,
      `experiment_ids=${homes.bob}&experiment_ids=${homes.alice}`,
    ]) {
      expect(await statusOf(alice, ['GET', `2.0/mlflow/traces?${query}`])).toBe(403);
    }
    expect(await statusOf(alice, ['GET', '2.0/mlflow/traces'])).toBe(400);
  });

  test('deleting in one experiment does not reach the traces of another', async () => {
    const id = await startTraceV2(bob, homes.bob);
    const asked = { experiment_id: homes.alice, request_ids: [id] };
    await alice.post('/api/2.0/mlflow/traces/delete-traces', asked);
    expect(await statusOf(bob, ['GET', `2.0/mlflow/traces/${id}/info`])).toBe(200);
  });

  test.each(REDIRECTING)('the tag %s cannot be set, changed or removed', async (key) => {
    const id = await startTraceV2(alice, homes.alice);
    const pair = { key, value: 'mlflow-artifacts:/0' };
    for (const request of [
      ['POST', '2.0/mlflow/traces', { experiment_id: homes.alice, timestamp_ms: 1, tags: [pair] }],
      [
        'POST',
        '2.0/mlflow/traces',
        { experiment_id: homes.alice, timestamp_ms: 1, request_metadata: [pair] },
      ],
      ['POST', '2.0/mlflow/traces', { experimentId: homes.alice, timestampMs: 1, requestMetadata: [pair] }],
      ['PATCH', `2.0/mlflow/traces/${id}`, { timestamp_ms: 2, status: 'OK', tags: [pair] }],
      ['PATCH', `2.0/mlflow/traces/${id}`, { timestamp_ms: 2, status: 'OK', request_metadata: [pair] }],
      ['PATCH', `2.0/mlflow/traces/${id}/tags`, pair],
      ['DELETE', `2.0/mlflow/traces/${id}/tags`, { key }],
    ] as const) {
      expect([request, await statusOf(alice, request)]).toEqual([request, 403]);
    }
  });
});

describe('traces of the API of MLflow 3', () => {
  const { alice, bob, homes } = useNeighbours(NEWEST);
  const expectOwnOnly = onlyOf(alice, bob);

  const assessment = {
    assessment_name: 'good',
    source: { source_type: 'HUMAN', source_id: 'x' },
    create_time: '2024-01-01T00:00:00Z',
    last_update_time: '2024-01-01T00:00:00Z',
    feedback: { value: true },
  };

  test('starting one of one’s own again does not take over, nor change, the assessments of another', async () => {
    const [own, foreign] = [await startTrace(alice, homes.alice), await startTrace(bob, homes.bob)];
    const made = await bob.post(`/api/3.0/mlflow/traces/${foreign}/assessments`, { assessment });
    const { assessment_id } = made.json.assessment;
    const startedWith = async (more: Record<string, unknown>) =>
      (
        await alice.post(
          '/api/3.0/mlflow/traces',
          traceBody(homes.alice, own, { assessments: [assessment, { ...assessment, ...more }] }),
        )
      ).status;
    expect(await startedWith({ assessment_id })).toBe(400);
    expect(await startedWith({ assessmentId: assessment_id })).toBe(400);
    expect(await startedWith({ overrides: assessment_id })).toBe(400);
    expect(await startedWith({})).toBe(200);
    const there = await bob.get(`/api/3.0/mlflow/traces/${foreign}/assessments/${assessment_id}`);
    expect(there.json).toEqual(made.json);
  });

  /** With spans, which batchGet wants to find. */
  async function startWithSpans(by: Person, experiment: string): Promise<string> {
    const id = newTraceId();
    const sent = await by.send('POST', '/v1/traces', {
      raw: encodeSpans([{ trace: id.slice('tr-'.length) }]),
      headers: { 'content-type': 'application/x-protobuf', 'x-mlflow-experiment-id': experiment },
    });
    expect(sent.status).toBe(200);
    return id;
  }

  test('only those who may use the experiment use its traces', async () => {
    const id = await startWithSpans(alice, homes.alice);
    const created = await alice.post(`/api/3.0/mlflow/traces/${id}/assessments`, { assessment });
    expect(created.status).toBe(200);
    const one = `3.0/mlflow/traces/${id}/assessments/${created.json.assessment.assessment_id}`;
    const run = await createRun(alice, homes.alice);
    await expectOwnOnly([
      ['POST', '3.0/mlflow/traces', traceBody(homes.alice, newTraceId())],
      ['GET', `3.0/mlflow/traces/${id}`],
      ['PATCH', `3.0/mlflow/traces/${id}/tags`, { key: 'a', value: 'b' }],
      ['DELETE', `3.0/mlflow/traces/${id}/tags`, { key: 'a' }],
      ['POST', `3.0/mlflow/traces/${id}/assessments`, { assessment }],
      ['GET', one],
      ['PATCH', one, { assessment: { feedback: { value: false } }, update_mask: 'feedback' }],
      ['DELETE', one],
      ['POST', '3.0/mlflow/traces/metrics', metricsOf(homes.alice)],
      ['POST', '3.0/mlflow/traces/calculate-filter-correlation', correlationOf(homes.alice)],
      ['POST', '2.0/mlflow/traces/link-to-run', { run_id: run, trace_ids: [id] }],
      ['POST', '3.0/mlflow/traces/delete-traces', { experiment_id: homes.alice, request_ids: [id] }],
    ]);
  });

  const metricsOf = (experiment: string) => ({
    experiment_ids: [experiment],
    view_type: 'TRACES',
    metric_name: 'trace_count',
    aggregations: [{ aggregation_type: 'COUNT' }],
  });
  const correlationOf = (experiment: string) => ({
    experiment_ids: [experiment],
    filter_string1: "status = 'OK'",
    filter_string2: "status = 'ERROR'",
  });

  test('starting a trace of a foreign id does not move that trace to oneself', async () => {
    const id = await startTrace(bob, homes.bob);
    expect((await alice.post('/api/3.0/mlflow/traces', traceBody(homes.alice, id))).status).toBe(403);
    expect((await bob.get(`/api/3.0/mlflow/traces/${id}`)).status).toBe(200);
    expect((await alice.get(`/api/3.0/mlflow/traces/${id}`)).status).toBe(403);
  });

  test('starting a trace again in its own experiment is allowed', async () => {
    const id = await startTrace(alice, homes.alice);
    expect((await alice.post('/api/3.0/mlflow/traces', traceBody(homes.alice, id))).status).toBe(200);
  });

  test('a trace id that is a path is refused', async () => {
    const run = await createRun(bob, homes.bob);
    for (const id of [`../../${homes.bob}/${run}`, 'tr-1', '', `${newTraceId()}/..`, `${newTraceId()}\n`]) {
      expect((await alice.post('/api/3.0/mlflow/traces', traceBody(homes.alice, id))).status).toBe(400);
    }
  });

  test('a trace without an experiment, or with another kind of place, is refused', async () => {
    const { trace } = traceBody(homes.alice, newTraceId());
    for (const trace_location of [
      undefined,
      {},
      { type: 'INFERENCE_TABLE', inference_table: { full_table_name: 'a.b.c' } },
      { mlflow_experiment: { experiment_id: homes.bob }, mlflowExperiment: { experiment_id: homes.alice } },
      { mlflow_experiment: { experiment_id: homes.alice, experimentId: homes.bob } },
    ]) {
      const trace_info = { ...trace.trace_info, trace_location };
      expect((await alice.post('/api/3.0/mlflow/traces', { trace: { trace_info } })).status).toBe(400);
    }
  });

  test.each(REDIRECTING)('the tag %s cannot be set, changed or removed', async (key) => {
    const id = await startTrace(alice, homes.alice);
    const map = { [key]: 'mlflow-artifacts:/0' };
    for (const request of [
      ['POST', '3.0/mlflow/traces', traceBody(homes.alice, newTraceId(), { tags: map })],
      ['POST', '3.0/mlflow/traces', traceBody(homes.alice, newTraceId(), { trace_metadata: map })],
      ['POST', '3.0/mlflow/traces', traceBody(homes.alice, newTraceId(), { traceMetadata: map })],
      ['PATCH', `3.0/mlflow/traces/${id}/tags`, { key, value: 'mlflow-artifacts:/0' }],
      ['DELETE', `3.0/mlflow/traces/${id}/tags`, { key }],
    ] as const) {
      expect([request, await statusOf(alice, request)]).toEqual([request, 403]);
    }
  });

  test('of a batch that is read, foreign traces are left out as those that are not there', async () => {
    const mine = [await startWithSpans(alice, homes.alice), await startWithSpans(alice, homes.alice)];
    const foreign = await startWithSpans(bob, homes.bob);
    const whole = (ids: readonly string[]) =>
      alice.get(`/api/3.0/mlflow/traces/batchGet?${ids.map((id) => `trace_ids=${id}`).join('&')}`);
    const infos = (trace_ids: readonly string[]) =>
      alice.post('/api/3.0/mlflow/traces/batchGetInfos', { trace_ids });
    const nothing = newTraceId();
    for (const ask of [whole, infos]) {
      const { status, text } = await ask(mine);
      expect([status, mine.every((id) => text.includes(id))]).toEqual([200, true]);
      for (const hidden of [foreign, nothing]) {
        for (const place of [0, 1, 2]) {
          expect((await ask(mine.toSpliced(place, 0, hidden))).text).toBe(text);
        }
        expect(await ask([hidden, hidden])).toMatchObject({ status: 200, text: '{}' });
      }
    }
    // One by one, and to an admin, it is there.
    expect((await bob.get(`/api/3.0/mlflow/traces/batchGet?trace_ids=${foreign}`)).text).toContain(foreign);
    expect((await infos(['../x'])).status).toBe(400);
  });

  test('a batch that is changed is refused as a whole for one foreign trace', async () => {
    const trace_ids = [await startTrace(alice, homes.alice), await startTrace(bob, homes.bob)];
    const request = [
      'POST',
      '2.0/mlflow/traces/link-to-run',
      { run_id: await createRun(alice, homes.alice), trace_ids },
    ] as const;
    expect(await statusOf(alice, request)).toBe(403);
  });

  test('a search that names one foreign experiment is refused as a whole', async () => {
    const mine = await startTrace(alice, homes.alice);
    await startTrace(bob, homes.bob);
    const place = (experiment_id: string) => ({
      type: 'MLFLOW_EXPERIMENT',
      mlflow_experiment: { experiment_id },
    });
    const search = (locations: unknown[]) => alice.post('/api/3.0/mlflow/traces/search', { locations });
    const { traces } = (await search([place(homes.alice)])).json;
    expect(traces.map(({ trace_id }: { trace_id: string }) => trace_id)).toContain(mine);
    for (const locations of [
      [place(homes.alice), place(homes.bob)],
      [place(homes.bob)],
      [{ mlflowExperiment: { experimentId: homes.bob } }, place(homes.alice)],
    ]) {
      expect((await search(locations)).status).toBe(403);
    }
    // MLflow looks at nothing then.
    expect((await search([])).json).toEqual({});
  });

  test('without an experiment nothing is counted', async () => {
    const count = (experiment_ids: unknown) =>
      alice.post('/api/3.0/mlflow/traces/metrics', { ...metricsOf(homes.alice), experiment_ids });
    const correlate = (experiment_ids: unknown) =>
      alice.post('/api/3.0/mlflow/traces/calculate-filter-correlation', {
        ...correlationOf(homes.alice),
        experiment_ids,
      });
    expect((await count([])).json.data_points).toEqual([
      { metric_name: 'trace_count', values: { COUNT: 0 } },
    ]);
    expect((await count(undefined)).json.data_points ?? []).toEqual([]);
    for (const none of [[], undefined]) {
      const { json } = await correlate(none);
      expect(json.total_count ?? 0).toBe(0);
    }
  });

  test('a trace is linked to prompts that one may read, and to no others', async () => {
    const id = await startTrace(alice, homes.alice);
    const name = unique('prompt');
    const tags = [{ key: 'mlflow.prompt.is_prompt', value: 'true' }];
    expect((await bob.post('/api/2.0/mlflow/registered-models/create', { name, tags })).status).toBe(200);
    const link = (who: Person, trace: string) =>
      who.post('/api/2.0/mlflow/traces/link-prompts', {
        trace_id: trace,
        prompt_versions: [{ name, version: '1' }],
      });
    expect((await link(alice, id)).status).toBe(403);
    expect((await link(bob, id)).status).toBe(403);
    expect((await link(bob, await startTrace(bob, homes.bob))).status).toBe(200);
  });

  test('the files of a trace are of those who may read it', async () => {
    const id = await startTrace(alice, homes.alice);
    for (const generation of ['2.0', '3.0']) {
      const path = `/ajax-api/${generation}/mlflow/get-trace-artifact?request_id=${id}`;
      expect((await bob.get(path)).status).toBe(403);
      expect((await alice.get(path)).status).not.toBe(403);
    }
  });
});
