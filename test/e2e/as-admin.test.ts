import { beforeAll, describe, expect, test } from 'vitest';
import { createExperiment, createRun, type Person, personAt, type Sent, unique } from '../support/gateway.ts';
import { MLFLOW_VERSIONS } from '../support/mlflow.ts';
import { useGateway } from '../support/use-gateway.ts';

/** Ids of what the requests ask about. */
interface Things {
  readonly experiment: string;
  readonly name: string;
  readonly run: string;
  readonly model: string;
}

type Row = readonly [method: string, target: string, body?: unknown, sent?: Sent];

const API = '/api/2.0/mlflow';
const AJAX = '/ajax-api/2.0/mlflow';
const FILES = '/api/2.0/mlflow-artifacts/artifacts';
const raw = (text: string | Uint8Array, contentType = 'application/json'): Sent => ({
  raw: text,
  headers: { 'content-type': contentType },
});

/** Requests that change nothing, well-formed and not, as MLflow's own REST tests send them. */
const rows = ({ experiment, name, run, model }: Things): readonly Row[] => [
  // Not '/', which has one line more: see test/gateway/exchange/link-pages.test.ts.
  ['GET', '/version'],
  ['GET', '/static-files/index.html'],
  ['GET', '/static-files/nothing.js'],
  ['GET', `${API}/experiments/get?experiment_id=${experiment}`],
  ['GET', `${AJAX}/experiments/get?experiment_id=${experiment}`],
  ['GET', `${API}/experiments/get`],
  ['GET', `${API}/experiments/get?experiment_id=`],
  ['GET', `${API}/experiments/get?experiment_id=999999999`],
  ['GET', `${API}/experiments/get?experiment_id=abc`],
  ['GET', `${API}/experiments/get?experiment_id=${experiment}&unknown=1`],
  ['GET', `${API}/experiments/get-by-name?experiment_name=${encodeURIComponent(name)}`],
  ['GET', `${API}/experiments/get-by-name?experiment_name=${encodeURIComponent(name)}-free`],
  ['GET', `${API}/experiments/get-by-name`],
  ['POST', `${API}/experiments/create`, { name }],
  ['POST', `${API}/experiments/create`, {}],
  ['POST', `${API}/experiments/create`, { name: 123 }],
  ['POST', `${API}/experiments/create`, { name: '' }],
  ['POST', `${API}/experiments/create`, { name: `${name}x`, artifact_location: 's3://a#b' }],
  ['POST', `${API}/experiments/create`, { name: `${name}x`, tags: 'wrong' }],
  ['POST', `${API}/experiments/create`, undefined, raw('{"name": 123')],
  ['POST', `${API}/experiments/create`, undefined, raw('[]')],
  ['POST', `${API}/experiments/create`, undefined, raw('')],
  ['POST', `${API}/experiments/create`, undefined, raw('name=x', 'application/x-www-form-urlencoded')],
  ['POST', `${API}/experiments/create`, undefined, raw('{"name":"x"}', 'text/plain')],
  ['POST', `${API}/experiments/create`, undefined, { raw: '{"name":""}', headers: {} }],
  ['POST', `${API}/experiments/search`, { max_results: 'zz' }],
  ['POST', `${API}/experiments/search`, { max_results: 0 }],
  ['POST', `${API}/experiments/search`, { max_results: 1_000_000 }],
  ['POST', `${API}/experiments/search`, { max_results: 5, filter: 'nonsense' }],
  ['POST', `${API}/experiments/search`, { max_results: 5, page_token: 'nonsense' }],
  ['POST', `${API}/experiments/search`, { max_results: 5, order_by: 'name' }],
  ['POST', `${API}/experiments/search`, { max_results: 5, filter: `name = '${name}'` }],
  ['GET', `${API}/experiments/search?max_results=5&filter=${encodeURIComponent(`name = '${name}'`)}`],
  ['POST', `${API}/experiments/delete`, { experiment_id: '999999999' }],
  ['POST', `${API}/experiments/update`, { experiment_id: experiment, new_name: 5 }],
  ['POST', `${API}/experiments/set-experiment-tag`, { experiment_id: experiment, key: '', value: 'v' }],
  ['POST', `${API}/runs/create`, { experiment_id: [experiment] }],
  ['POST', `${API}/runs/create`, { experiment_id: experiment, start_time: 'yesterday' }],
  ['GET', `${API}/runs/get?run_id=${run}`],
  ['GET', `${API}/runs/get?run_uuid=${run}`],
  ['GET', `${API}/runs/get?run_id=nonsense`],
  ['GET', `${API}/runs/get`],
  ['POST', `${API}/runs/search`, { experiment_ids: [experiment], filter: "params.a = 'ü'" }],
  ['POST', `${API}/runs/search`, { experiment_ids: experiment }],
  ['POST', `${API}/runs/search`, { experiment_ids: [experiment], max_results: -5 }],
  ['POST', `${API}/runs/log-metric`, { run_id: run, key: '/a', value: 1, timestamp: 1 }],
  ['POST', `${API}/runs/log-metric`, { run_id: run, key: '../a', value: 1, timestamp: 1 }],
  ['POST', `${API}/runs/log-metric`, { run_id: run, key: 'm', value: 'high', timestamp: 1 }],
  ['POST', `${API}/runs/log-metric`, { run_id: run, key: 'm', value: 1 }],
  ['POST', `${API}/runs/log-metric`, { run_id: run, key: null, value: 1, timestamp: 1 }],
  ['POST', `${API}/runs/log-parameter`, { run_id: run, key: 'a', value: 'another' }],
  ['POST', `${API}/runs/log-parameter`, { run_id: run, value: 'v' }],
  ['POST', `${API}/runs/set-tag`, { run_id: 7, key: 'k', value: 'v' }],
  ['POST', `${API}/runs/log-batch`, { run_id: run, params: [{ key: 'p', value: 5 }], metrics: 'x' }],
  ['POST', `${API}/runs/log-batch`, { run_id: run, params: Array(101).fill({ key: 'p', value: 'v' }) }],
  ['GET', `${API}/metrics/get-history?run_id=${run}&metric_key=m`],
  ['GET', `${API}/metrics/get-history?run_id=${run}`],
  ['GET', `${AJAX}/metrics/get-history-bulk?run_id=${run}&metric_key=m`],
  ['GET', `${AJAX}/metrics/get-history-bulk?run_id=${run}`],
  ['GET', `${API}/artifacts/list?run_id=${run}`],
  ['GET', `${API}/artifacts/list?run_id=${run}&path=../..`],
  ['GET', `${API}/artifacts/list?run_id=${run}&path=%2Fetc`],
  ['GET', `/get-artifact?run_id=${run}&path=a.txt`],
  ['GET', `/get-artifact?run_id=${run}&path=..%2Fa.txt`],
  ['GET', `/get-artifact?run_id=${run}`],
  ['GET', `${FILES}/${experiment}/${run}/artifacts/a.txt`],
  ['GET', `${FILES}/${experiment}/${run}/artifacts/missing.txt`],
  ['GET', `${FILES}/${experiment}/${run}/artifacts/a.txt`, undefined, { headers: { range: 'bytes=1-3' } }],
  ['GET', `${FILES}?path=${experiment}/${run}/artifacts`],
  ['GET', `${API}/registered-models/get?name=${model}`],
  ['GET', `${API}/registered-models/get?name=${model}-none`],
  ['GET', `${API}/registered-models/get`],
  ['POST', `${API}/registered-models/create`, { name: model }],
  ['POST', `${API}/registered-models/create`, { name: 5 }],
  ['POST', `${API}/registered-models/create`, { name: '' }],
  ['POST', `${API}/registered-models/rename`, { name: model }],
  ['POST', `${API}/registered-models/rename`, { name: `${model}-none`, new_name: 'x' }],
  ['PATCH', `${API}/registered-models/update`, { name: [model] }],
  ['DELETE', `${API}/registered-models/delete`, { name: `${model}-none` }],
  ['DELETE', `${API}/registered-models/delete`, {}],
  ['GET', `${API}/registered-models/search?max_results=5000`],
  ['GET', `${API}/registered-models/search?filter=name%20%3D%20'${model}'&max_results=1`],
  ['POST', `${API}/registered-models/get-latest-versions`, { name: model, stages: 'None' }],
  ['GET', `${API}/model-versions/get?name=${model}&version=1`],
  ['GET', `${API}/model-versions/get?name=${model}&version=x`],
  ['GET', `${API}/model-versions/search?filter=name%20%3D%20'${model}'`],
  ['GET', `${API}/model-versions/search?filter=nonsense`],
  ['POST', `${API}/model-versions/create`, { name: model, source: '/etc/passwd' }],
  ['POST', `${API}/model-versions/create`, { name: model }],
  ['POST', `${API}/model-versions/transition-stage`, { name: model, version: '1', stage: 'Nowhere' }],
  ['POST', '/graphql', { query: `{ mlflowGetRun(input: {runId: "${run}"}) { run { info { runId } } } }` }],
  ['POST', '/graphql', { query: '{ nonsense }' }],
  ['GET', `${API}/no/such/route`],
  ['DELETE', `${API}/experiments/get?experiment_id=${experiment}`],
  ['GET', '/no-such-page'],
];

/** Headers that a client may act on; the rest belong to the connection. */
const TELLING = [
  'content-type',
  'content-length',
  'content-disposition',
  'content-encoding',
  'content-range',
  'accept-ranges',
  'cache-control',
  'etag',
  'last-modified',
  'location',
  'x-content-type-options',
  'x-frame-options',
  'allow',
];

describe.each(MLFLOW_VERSIONS)('an admin in front of MLflow %s', (version) => {
  let straight: Person;
  let things: Things;

  const { gateway, mlflow } = useGateway({ version });
  beforeAll(async () => {
    straight = personAt(mlflow.uri, '', '');
    const name = unique('compared ünïcode');
    const experiment = await createExperiment(gateway.admin, name);
    const run = await createRun(gateway.admin, experiment);
    const model = unique('compared');
    for (const [path, body] of [
      ['runs/log-parameter', { run_id: run, key: 'a', value: 'ü' }],
      ['runs/log-metric', { run_id: run, key: 'm', value: 'NaN', timestamp: 1, step: '9007199254740993' }],
      ['runs/log-metric', { run_id: run, key: 'm', value: 1e300, timestamp: 2, step: 1 }],
      ['registered-models/create', { name: model }],
      ['model-versions/create', { name: model, source: `runs:/${run}/m`, run_id: run }],
    ] as const) {
      const answer = await gateway.admin.post(`${API}/${path}`, body);
      expect(answer.status, answer.text).toBe(200);
    }
    const stored = await gateway.admin.send('PUT', `${FILES}/${experiment}/${run}/artifacts/a.txt`, {
      raw: 'some text',
    });
    expect(stored.status).toBe(200);
    things = { experiment, name, run, model };
  });

  test('gets what MLflow itself answers, to good requests and to bad ones', async () => {
    const differences: unknown[] = [];
    for (const [method, target, json, sent] of rows(things)) {
      const request = { ...sent, ...(json !== undefined && { json }) };
      const [ours, theirs] = [
        await gateway.admin.send(method, target, request),
        await straight.send(method, target, request),
      ];
      const [got, expected] = [ours, theirs].map(({ status, headers, text }) => ({
        status,
        headers: Object.fromEntries(TELLING.map((name) => [name, headers[name]])),
        // Some messages tell when they were made.
        text: text.replaceAll(/\b\d{13}\b/g, '<now>'),
      }));
      if (JSON.stringify(got) !== JSON.stringify(expected)) {
        differences.push({ method, target, json, got, expected });
      }
    }
    expect(differences).toEqual([]);
  });

  test.each([
    ['a path that leaves the artifacts', 'DELETE', `${FILES}/..%252f..%252fx`],
    ['a body on a GET', 'GET', `${API}/experiments/get`],
    ['another spelling of a path', 'GET', `/api/2.0/mlflow//experiments/search`],
  ])('is refused %s, which is read in two ways', async (_what, method, target) => {
    const answer = await gateway.admin.send(method, target, method === 'GET' ? { json: {} } : {});
    expect(answer.status).toBe(400);
  });

  test('need not load again what has not changed', async () => {
    const whole = await gateway.admin.get('/');
    const etag = String(whole.headers['etag']);
    const again = await gateway.admin.get('/', { headers: { 'if-none-match': etag } });
    expect([again.status, again.bytes.length]).toEqual([304, 0]);
  });

  test('sends 64-bit numbers and NaN through unchanged', async () => {
    const answer = await gateway.admin.get(`${API}/metrics/get-history?run_id=${things.run}&metric_key=m`);
    expect(answer.text).toContain('9007199254740993');
    expect(answer.text).toMatch(/"NaN"/);
  });
});
