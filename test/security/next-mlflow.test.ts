/**
 * The day a new MLflow comes out: a made-up 3.19 with one more operation, one more field and one more key that it acts on.
 * Users work as before, and what only it knows is refused to them until the table has been made for it.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import { createExperiment, createRun, unique } from '../support/gateway.ts';
import { encodeSpans } from '../support/spans.ts';
import { newTraceId, traceBody } from '../support/traces.ts';
import { useGateway } from '../support/use-gateway.ts';

const A2 = '/api/2.0/mlflow';
const A3 = '/api/3.0/mlflow';
const KEY = 'mlflow.retention.deleteRunsOf';

interface Asked {
  readonly method: string;
  readonly target: string;
  readonly json?: unknown;
}

describe('in front of MLflow 3.19', () => {
  /** What arrived that only 3.19 knows. */
  const arrived: string[] = [];
  const { gateway, alice, admin, upstream } = useGateway({
    fake: true,
    version: '3.19.0',
    settings: { default_permission: 'MANAGE' },
    people: ['alice'],
  });

  beforeEach(() => {
    arrived.length = 0;
    upstream.answer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => {
        body += chunk.toString('latin1');
      });
      request.on('end', () => {
        const whole = `${request.method} ${request.url} ${body}`;
        if (/experiments\/share|owner_of|ownerOf|retention|mlflowDeleteRuns/.test(whole)) {
          arrived.push(whole);
        }
        response.setHeader('content-type', 'application/json');
        response.end('{}');
      });
    });
  });

  test('the log says for which versions the table was made', async () => {
    await expect
      .poll(() => gateway.log.some((line) => JSON.stringify(line).includes('are for admins only')))
      .toBe(true);
  });

  test.each<Asked>([
    { method: 'POST', target: `${A3}/experiments/share`, json: { experiment_id: '7' } },
    { method: 'POST', target: `/ajax-api/3.0/mlflow/experiments/share`, json: { experiment_id: '7' } },
    { method: 'GET', target: `${A3}/experiments/share?experiment_id=7` },
    { method: 'DELETE', target: `${A3}/experiments/share/7` },
    { method: 'POST', target: `${A2}/experiments/share`, json: { experiment_id: '7' } },
    { method: 'POST', target: '/api/4.0/mlflow/experiments/share', json: { experiment_id: '7' } },
  ])('its operation is refused to users: $method $target', async ({ method, target, json }) => {
    const sent = json === undefined ? {} : { json };
    expect((await alice.send(method, target, sent)).status).toBe(403);
    expect(arrived).toEqual([]);
    expect((await admin.send(method, target, sent)).status).toBe(200);
    expect(arrived).toHaveLength(1);
  });

  test.each<Asked>([
    { method: 'POST', target: `${A2}/runs/search`, json: { experiment_ids: ['7'], owner_of: 'bob' } },
    { method: 'POST', target: `${A2}/runs/search`, json: { experiment_ids: ['7'], ownerOf: 'bob' } },
    {
      method: 'POST',
      target: `${A2}/runs/create`,
      json: { experiment_id: '7', tags: [{ key: 'a', value: 'b', owner_of: 'bob' }] },
    },
    { method: 'PATCH', target: `${A3}/issues/i-1`, json: { owner_of: 'bob' } },
    { method: 'GET', target: `${A2}/experiments/search?max_results=1&owner_of=bob` },
    { method: 'GET', target: `${A3}/skills?owner_of=bob` },
    { method: 'POST', target: `${A3}/skills/a/versions`, json: { owner_of: 'bob' } },
    { method: 'DELETE', target: `${A2}/logged-models/m-${'a'.repeat(32)}`, json: { owner_of: 'bob' } },
  ])('its field is refused to users: $method $target', async ({ method, target, json }) => {
    const { status, json: told } = await alice.send(method, target, json === undefined ? {} : { json });
    expect([status, told.message]).toEqual([400, expect.stringMatching(/owner_?[oO]f/)]);
    expect(arrived).toEqual([]);
  });

  test('its field is refused in the form of an upload', async () => {
    const part = (head: string, content: string) =>
      `--b\r\nContent-Disposition: form-data; ${head}\r\n\r\n${content}\r\n`;
    const raw = `${part('name="metadata"', '{"owner_of":"bob"}')}${part('name="content"; filename="a"', 'x')}--b--\r\n`;
    const { status } = await alice.send('POST', `${A3}/skills/a/versions`, {
      raw,
      headers: { 'content-type': 'multipart/form-data; boundary=b' },
    });
    expect([status, arrived]).toEqual([400, []]);
  });

  test.each<readonly [string, string, unknown]>([
    ['an experiment', `${A2}/experiments/set-experiment-tag`, { experiment_id: '7', key: KEY, value: '1' }],
    ['a new experiment', `${A2}/experiments/create`, { name: 'e', tags: [{ key: KEY, value: '1' }] }],
    ['a run', `${A2}/runs/set-tag`, { run_id: 'a'.repeat(32), key: KEY, value: '1' }],
    ['a model', `${A2}/registered-models/set-tag`, { name: 'm', key: KEY, value: '1' }],
    ['a version', `${A2}/model-versions/set-tag`, { name: 'm', version: '1', key: KEY, value: '1' }],
    ['a trace', `${A3}/traces`, traceBody('7', newTraceId(), { tags: { [KEY]: '1' } })],
  ])('its key is refused to users on %s', async (_what, target, json) => {
    expect((await alice.post(target, json)).status).toBe(403);
    expect(arrived).toEqual([]);
  });

  test('its field of GraphQL is refused', async () => {
    const query = 'mutation { mlflowDeleteRuns(input: {experimentId: "7"}) { done } }';
    expect((await alice.post('/graphql', { query })).status).toBe(400);
    expect(arrived).toEqual([]);
  });
});

describe('in front of an MLflow that says it is 3.19', () => {
  const { alice } = useGateway({ says: '3.19.0', people: ['alice'] });

  test('users work as before', async () => {
    const experiment = await createExperiment(alice);
    const run = await createRun(alice, experiment);
    const metric = { run_id: run, key: 'm', value: 1, timestamp: 1, step: 0 };
    expect((await alice.post(`${A2}/runs/log-metric`, metric)).status).toBe(200);
    const found = await alice.post(`${A2}/runs/search`, { experiment_ids: [experiment] });
    expect(found.json.runs).toHaveLength(1);
    expect((await alice.post(`${A2}/registered-models/create`, { name: unique('m') })).status).toBe(200);
    const spans = await alice.send('POST', '/v1/traces', {
      raw: encodeSpans([{ trace: newTraceId().slice('tr-'.length) }]),
      headers: { 'content-type': 'application/x-protobuf', 'x-mlflow-experiment-id': experiment },
    });
    expect(spans.status).toBeLessThan(300);
  });
});
