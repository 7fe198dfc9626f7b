import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FakeUpstream, startFakeUpstream } from '../support/fake-upstream.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';

let upstream: FakeUpstream;
let gateway: TestGateway;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  gateway = await startGateway(upstream.uri);
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

test.each([
  '/api/2.0/mlflow/experiments/get?experiment_id=1',
  '/api/2.0/mlflow/experiments/search?max_results=5',
  '/api/2.0/mlflow/registered-models/search',
  '/api/2.0/mlflow/experiments/get-by-name?experiment_name=x',
  '/api/2.0/mlflow-artifacts/artifacts?path=1/0123456789abcdef0123456789abcdef/artifacts',
  '/get-artifact?run_id=0123456789abcdef0123456789abcdef&path=x',
])('HEAD never reaches a handler that would not look at the query: %s', async (target) => {
  const before = upstream.arrived.length;
  const { status, headers } = await gateway.admin.send('HEAD', target);
  expect([status, headers['allow']]).toEqual([405, 'GET']);
  expect(upstream.arrived).toHaveLength(before);
});

test.each([
  '/',
  '/version',
  '/static-files/a.js?v=1',
  '/api/2.0/mlflow-artifacts/artifacts/1/0123456789abcdef0123456789abcdef/artifacts/file',
  '/api/2.0/mlflow/users/current',
])('HEAD is answered for what its path names: %s', async (target) => {
  expect((await gateway.admin.send('HEAD', target)).status).toBe(200);
});

test('HEAD is refused as GET is to whoever may not', async () => {
  const alice = await gateway.person('alice');
  const target = '/api/2.0/mlflow/experiments/get?experiment_id=1';
  expect((await alice.send('HEAD', target)).status).toBe(403);
  expect((await gateway.anonymous.send('HEAD', target)).status).toBe(401);
});
