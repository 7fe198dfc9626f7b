import { beforeEach, expect, test } from 'vitest';
import { useGateway } from '../support/use-gateway.ts';

const RUN = '0123456789abcdef0123456789abcdef';

let from = 0;

const { gateway, alice } = useGateway({ fake: true, people: ['alice'] });
beforeEach(() => {
  from = gateway.log.length;
});

/** What the log line of the only request since the test began names. */
async function touched(): Promise<unknown> {
  const lines = () => gateway.log.slice(from).filter(({ msg }) => msg === 'request');
  await expect.poll(() => lines().length).toBe(1);
  return lines()[0]?.['touched'];
}

test('a refused request names what it touched', async () => {
  await alice.get('/api/2.0/mlflow/experiments/get?experiment_id=5');
  expect(await touched()).toEqual(['experiment 5']);
});

test('an allowed request names what it touched', async () => {
  const grant = { experiment_id: '1', username: alice.username, permission: 'READ' };
  await gateway.admin.post('/api/2.0/mlflow/experiments/permissions/create', grant);
  from = gateway.log.length;
  await alice.get('/api/2.0/mlflow/experiments/get?experiment_id=1');
  expect(await touched()).toEqual(['experiment 1']);
});

test.each([
  ['in a query', 'GET', `/api/2.0/mlflow/runs/get?run_id=${RUN}`, undefined],
  ['in a body', 'POST', '/api/2.0/mlflow/runs/delete', { run_id: RUN }],
])('an admin’s request names what it touched, %s', async (_, method, target, json) => {
  await gateway.admin.send(method, target, json === undefined ? {} : { json });
  expect(await touched()).toEqual([`run ${RUN}`]);
});

test('an admin’s request that cannot be read is one line all the same', async () => {
  await gateway.admin.send('POST', '/api/2.0/mlflow/runs/delete', { raw: '{"run_id": 7, ' });
  expect(await touched()).toBeUndefined();
});

test('a change of a grant names what it is on', async () => {
  const grant = { experiment_id: '9', username: alice.username, permission: 'READ' };
  await gateway.admin.post('/api/2.0/mlflow/experiments/permissions/create', grant);
  expect(await touched()).toEqual(['experiment 9', `user ${alice.username}`]);
});
