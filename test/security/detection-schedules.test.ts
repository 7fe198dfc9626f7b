/** A schedule of issue detection calls models with what its writer may use, as a detection does. */
import { beforeAll, expect, test } from 'vitest';
import { createExperiment, grantOn, type Person, unique } from '../support/gateway.ts';
import { NEWEST } from '../support/mlflow.ts';
import { useNeighbours } from '../support/use-gateway.ts';

const EXPERIMENTS = '/api/2.0/mlflow/experiments';
const GATEWAY = '/api/3.0/mlflow/gateway';
const KEY = 'mlflow.issueDetection.schedule';

let secret: string;
let endpoint: string;

const { gateway, alice, bob, homes } = useNeighbours(NEWEST, { default_permission: 'NO_PERMISSIONS' });
beforeAll(async () => {
  const made = await alice.post(`${GATEWAY}/secrets/create`, {
    secret_name: unique('secret'),
    secret_value: { api_key: 'sk-alice' },
    provider: 'openai',
  });
  secret = made.json.secret.secret_id;
  const definition = await alice.post(`${GATEWAY}/model-definitions/create`, {
    name: unique('definition'),
    secret_id: secret,
    provider: 'openai',
    model_name: 'gpt-4o',
  });
  endpoint = unique('endpoint');
  const served = await alice.post(`${GATEWAY}/endpoints/create`, {
    name: endpoint,
    model_configs: [
      {
        model_definition_id: definition.json.model_definition.model_definition_id,
        linkage_type: 'PRIMARY',
        weight: 1,
      },
    ],
  });
  expect(served.status, served.text).toBe(200);
  // What a detection needs besides.
  for (const person of [alice, bob]) {
    await grantOn(gateway.admin, person, 'gateway_endpoint', '*', 'USE');
  }
});

const schedule = (model?: unknown) =>
  JSON.stringify({ version: 1, cadence: 'daily', ...(model !== undefined && { model }) });
const set = (person: Person, experiment_id: string, value: string, key = KEY) =>
  person.post(`${EXPERIMENTS}/set-experiment-tag`, { experiment_id, key, value });
const bySecret = (secretId: string) => schedule({ provider: 'openai', model: 'gpt-4o', secretId });
const create = (person: Person, value: string) =>
  person.post(`${EXPERIMENTS}/create`, { name: unique('e'), tags: [{ key: KEY, value }] });

test('names a secret that its writer may use', async () => {
  expect((await set(alice, homes.alice, bySecret(secret))).status).toBe(200);
  expect((await create(alice, bySecret(secret))).status).toBe(200);
  for (const key of [KEY, KEY.toUpperCase(), `${KEY} `]) {
    expect((await set(bob, homes.bob, bySecret(secret), key)).status).toBe(403);
  }
  expect((await create(bob, bySecret(secret))).status).toBe(403);
  await grantOn(alice, bob, 'gateway_secret', secret, 'USE');
  expect((await set(bob, homes.bob, bySecret(secret))).status).toBe(200);
});

test('names an endpoint that its writer may use', async () => {
  const carol = await gateway.person('carol');
  const own = await createExperiment(carol);
  expect((await set(carol, own, schedule({ endpointName: endpoint }))).status).toBe(403);
  expect((await set(carol, own, schedule())).status).toBe(403);
  await grantOn(gateway.admin, carol, 'gateway_endpoint', '*', 'USE');
  expect((await set(carol, own, schedule({ endpointName: endpoint }))).status).toBe(200);
  expect((await set(carol, own, schedule())).status).toBe(200);
});

test.each([
  '{"version":1,"model":{"provider":"openai","model":"gpt-4o","secretId":"a","secretId":"b"}}',
  '{"version":1,"model":{"provider":"openai","model":"gpt-4o","secretId":" a"}}',
  '{"version":1,"model":{"provider":"openai","model":"gpt-4o","secretId":["a"]}}',
  '{"version":1,"model":["a"]}',
  'daily',
  '[]',
])('is read one way only: %s', async (value) => {
  expect((await set(alice, homes.alice, value)).status).toBe(400);
});

test('is set by who may change the experiment, and taken off without more', async () => {
  expect((await set(bob, homes.alice, schedule())).status).toBe(403);
  expect((await set(alice, homes.alice, '')).status).toBe(200);
  const taken = await alice.post(`${EXPERIMENTS}/delete-experiment-tag`, {
    experiment_id: homes.alice,
    key: KEY,
  });
  expect(taken.status).toBe(200);
});

test('has its next moment told to who may change the experiment', async () => {
  await set(alice, homes.alice, bySecret(secret));
  const state = '/ajax-api/3.0/mlflow/issues/schedule/state';
  const { status, json } = await alice.post(state, { experiment_id: homes.alice });
  expect([status, typeof json.next_fire_time_ms]).toEqual([200, 'number']);
  expect((await bob.post(state, { experiment_id: homes.alice })).status).toBe(403);
});
