/**
 * CVE-2023-6831, CVE-2024-1560, CVE-2026-22031, CVE-2026-14198: a target that two servers could read as two
 * paths is a 400 for everybody and goes nowhere, under a public prefix as elsewhere.
 */
import { afterAll, expect, test } from 'vitest';
import { type AnsweringUpstream, PROBE, startAnsweringUpstream } from '../support/answering-upstream.ts';
import { FOREIGN, OURS } from '../support/everybody.ts';
import { ADMIN } from '../support/gateway.ts';
import { sendRaw, statusOf } from '../support/raw-http.ts';
import { useGateway } from '../support/use-gateway.ts';

let upstream: AnsweringUpstream;

afterAll(() => upstream.close());
const { gateway } = useGateway({
  upstream: async () => {
    upstream = await startAnsweringUpstream(OURS, FOREIGN);
    return upstream.uri;
  },
});

const ARTIFACTS = '/api/2.0/mlflow-artifacts/artifacts';

test.each([
  '/static-files/../api/2.0/mlflow/experiments/search',
  '/static-files/..%2fapi/2.0/mlflow/experiments/search',
  '/static-files/%2e%2e/api/2.0/mlflow/experiments/search',
  '/static-files/..%5capi',
  '/healthz/../api/2.0/mlflow/experiments/search',
  '/health/%2e%2e/version',
  '/api//2.0/mlflow/experiments/search',
  '/api/./2.0/mlflow/experiments/search',
  '/api/2.0/mlflow%2fexperiments/search',
  '/api/2.0/mlflow/experiments/%2573earch',
  '/api/2.0/mlflow/experiments/search%5c',
  '/api/2.0/mlflow/experiments/search%00',
  '/api/2.0/mlflow/experiments/search%ff',
  '/api/2.0/mlflow/experiments/search%zz',
  '/api/2.0/mlflow/experiments/search#x',
  '/version?x=%zz',
  'http://localhost/version',
  `${ARTIFACTS}/7/../8/a`,
  `${ARTIFACTS}/7/..%2f8/a`,
  `${ARTIFACTS}/7/..%252f8/a`,
  `${ARTIFACTS}/7/%25252e%25252e/8/a`,
  `${ARTIFACTS}/7/..%5c8/a`,
  `${ARTIFACTS}/7/a%5cb`,
  `${ARTIFACTS}/7/a%23b`,
  `${ARTIFACTS}/7/a%250ab`,
  `${ARTIFACTS}/%2fetc/passwd`,
  `${ARTIFACTS}/file:/etc/passwd`,
  `/ajax-api/2.0/mlflow-artifacts/mpu/create/7/..%252f8/a`,
  `/ajax-api/2.0/mlflow-artifacts/presigned/7/%2e%2e/8/a`,
  '/api/2.0/mlflow-artifacts/mpu/create/file:/etc/passwd',
  '/api/2.0/mlflow-artifacts/presigned/file:/etc/passwd',
])('%s', async (target) => {
  const authorization = `Basic ${Buffer.from(`${ADMIN.username}:${ADMIN.password}`).toString('base64')}`;
  const headers = { authorization, [PROBE]: target };
  const answer = await sendRaw(gateway.url, { method: 'GET', target, headers, body: undefined });
  expect(statusOf(answer), answer).toBe(400);
  expect(upstream.arrived.has(target)).toBe(false);
});

test.each([
  ['//version', '/version'],
  ['///api/2.0/mlflow/experiments/search', '/api/2.0/mlflow/experiments/search'],
  ['//api/2.0/mlflow/experiments/search?max_results=5', '/api/2.0/mlflow/experiments/search?max_results=5'],
])('slashes at the start of %s are one before anything is judged', async (target, path) => {
  const authorization = `Basic ${Buffer.from(`${ADMIN.username}:${ADMIN.password}`).toString('base64')}`;
  const headers = { authorization, [PROBE]: target };
  const answer = await sendRaw(gateway.url, { method: 'GET', target, headers, body: undefined });
  expect(statusOf(answer), answer).toBe(200);
  expect(upstream.asked.get(target)).toBe(path);
});

test('what follows them is no other server', async () => {
  for (const target of ['//evil.example/version', '//evil.example/static-files/x']) {
    const answer = await sendRaw(gateway.url, { method: 'GET', target, headers: {}, body: undefined });
    expect(statusOf(answer), answer).toBe(401);
  }
});
