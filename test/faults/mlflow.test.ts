/** What users see while a real MLflow is killed, stands still, or its connections break off. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createExperiment, type Person, startGateway, type TestGateway, unique } from '../support/gateway.ts';
import { NEWEST, type RunningMlflow, startMlflow } from '../support/mlflow.ts';
import { type Relay, startRelay } from './relay.ts';

const API = '/api/2.0/mlflow';
const dir = mkdtempSync(join(tmpdir(), 'mlflow-faults-'));
let mlflow: RunningMlflow;
let relay: Relay;
let gateway: TestGateway;
let alice: Person;
let bob: Person;
let experiment: string;

const start = () => startMlflow({ version: NEWEST, dir });
const pathOf = ({ socketUri }: RunningMlflow) => ({ path: socketUri.slice('unix:'.length) });

beforeAll(async () => {
  mlflow = await start();
  relay = await startRelay(pathOf(mlflow));
  gateway = await startGateway(`http://127.0.0.1:${relay.port}`, { upstream_timeout_seconds: '3' });
  alice = await gateway.person('alice');
  bob = await gateway.person('bob');
  experiment = await createExperiment(alice);
});
afterAll(async () => {
  await gateway.close();
  await relay.close();
  await mlflow.stop();
  rmSync(dir, { recursive: true });
});

const read = (who: Person) => who.get(`${API}/experiments/get?experiment_id=${experiment}`);
const comesBack = () => expect.poll(async () => (await read(alice)).status, { timeout: 30_000 }).toBe(200);

test('killed, it is 503 with a time to try again, its own status is not given, and all is well with the next one', async () => {
  mlflow.signal('SIGKILL');
  await mlflow.stop();
  const answer = await read(alice);
  expect(answer).toMatchObject({ status: 503, json: { error_code: 'TEMPORARILY_UNAVAILABLE' } });
  expect(answer.headers['retry-after']).toMatch(/^\d+$/);
  // A user who may not know that it is there learns nothing from an MLflow that is away.
  expect((await read(bob)).status).toBe(403);
  expect((await alice.post(`${API}/experiments/create`, { name: unique('none') })).status).toBe(503);
  expect((await gateway.anonymous.get('/health')).status).toBe(200);
  mlflow = await start();
  relay.retarget(pathOf(mlflow));
  await comesBack();
  expect((await read(bob)).status).toBe(403);
});

test('standing still, it is 504 after the time that is set, and what waits does not keep users from what needs no MLflow', async () => {
  mlflow.signal('SIGSTOP');
  try {
    const waiting = read(alice);
    expect((await alice.get(`${API}/users/current`)).status).toBe(200);
    expect((await read(bob)).status).toBe(403);
    expect((await waiting).status).toBe(504);
  } finally {
    mlflow.signal('SIGCONT');
  }
  await comesBack();
});

test('a create that was asked for while it stood still has its creator as owner, though nobody heard of it', async () => {
  const name = unique('unheard');
  mlflow.signal('SIGSTOP');
  try {
    expect((await alice.post(`${API}/registered-models/create`, { name })).status).toBe(504);
  } finally {
    mlflow.signal('SIGCONT');
  }
  const target = `${API}/registered-models/get?name=${name}`;
  await expect.poll(async () => (await alice.get(target)).status, { timeout: 40_000 }).toBe(200);
  expect((await bob.get(target)).status).toBe(403);
});

test('connections that break off, one after the other, cost a 503 at most', async () => {
  for (let round = 0; round < 20; round += 1) {
    relay.cut();
    expect([200, 503]).toContain((await read(alice)).status);
  }
  await comesBack();
});
