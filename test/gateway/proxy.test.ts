/**
 * MLflow's proxy to a deployments server, which 2.15 sends wherever the request says: others than admins list the
 * endpoints, and call them with USE on all endpoints.
 */
import { beforeAll, expect, test } from 'vitest';
import type { Person, TestGateway } from '../support/gateway.ts';
import { MLFLOW_VERSIONS } from '../support/mlflow.ts';
import { openGateway, useGateway } from '../support/use-gateway.ts';

const PROXY = '/ajax-api/2.0/mlflow/gateway-proxy';
const LIST = 'api/2.0/endpoints';
const CALL = 'gateway/my-endpoint.v2/invocations';

const { gateway, upstream, nobody, user } = useGateway({ fake: true, people: ['nobody', 'user'] });
beforeAll(async () => {
  await mayUseEndpoints(gateway, user);
});

async function mayUseEndpoints(at: TestGateway, { username }: Person): Promise<void> {
  const grant = { username, resource_type: 'gateway_endpoint', resource_id: '*', permission: 'USE' };
  expect((await at.admin.post('/api/3.0/mlflow/users/permissions/grant', grant)).status).toBe(200);
}

const list = (who: Person, query: Record<string, string>) =>
  who.get(`${PROXY}?${new URLSearchParams(query)}`);
const call = (who: Person, gateway_path: unknown) => who.post(PROXY, { gateway_path, json_data: {} });

test('everybody lists the endpoints', async () => {
  // As the API documents it, and as MLflow's pages write it.
  for (const gateway_path of [LIST, `${LIST}/`]) {
    expect((await list(nobody, { gateway_path })).status).toBe(200);
  }
  expect((await gateway.anonymous.get(`${PROXY}?gateway_path=${LIST}`)).status).toBe(401);
});

test.each([
  'api/2.0/endpoints/../../secrets',
  'api/2.0/endpoints?x=1',
  'api/2.0/endpoints//',
  '/api/2.0/endpoints',
  'api/2.0/endpoints/my-endpoint',
  'api/2.0/endpoints\n',
  '@evil.example/',
  'health',
  '',
])('only an admin asks for %j', async (gateway_path) => {
  const before = upstream.arrived.length;
  expect((await list(user, { gateway_path })).status).toBe(403);
  expect(upstream.arrived.length).toBe(before);
  expect((await list(gateway.admin, { gateway_path })).status).toBe(200);
});

test('only an admin sends a body along', async () => {
  expect((await list(user, { gateway_path: LIST, json_data: '{}' })).status).toBe(403);
});

test('an endpoint is called with USE on all endpoints', async () => {
  expect((await call(nobody, CALL)).status).toBe(403);
  expect((await call(user, CALL)).status).toBe(200);
});

test.each([
  'gateway/../invocations',
  'gateway/a/../../invocations',
  'gateway/a/invocations/',
  'gateway/a/invocations?x',
  'gateway/a%2fb/invocations',
  'gateway/a b/invocations',
  '/gateway/a/invocations',
  'api/2.0/endpoints',
  '@evil.example/x/invocations',
  '',
  7,
  [CALL],
  { toString: CALL },
])('only an admin calls %j', async (gateway_path) => {
  const before = upstream.arrived.length;
  expect((await call(user, gateway_path)).status).toBe(typeof gateway_path === 'string' ? 403 : 400);
  expect(upstream.arrived.length).toBe(before);
  expect((await call(gateway.admin, gateway_path)).status).toBe(200);
});

// The first test that asks for a stock MLflow waits until it has made its database.
test.each(MLFLOW_VERSIONS)(
  'MLflow %s without a deployments server has no endpoints',
  { timeout: 180_000 },
  async (version) => {
    const { gateway: real, who } = await openGateway({ version, people: ['who'] });
    const answer = await list(who, { gateway_path: LIST });
    expect([answer.status, answer.json]).toEqual([200, { endpoints: [] }]);
    expect((await list(who, { gateway_path: 'secrets' })).status).toBe(403);
    expect((await call(who, CALL)).status).toBe(403);
    await mayUseEndpoints(real, who);
    expect((await call(who, CALL)).status).toBe(200);
  },
);
