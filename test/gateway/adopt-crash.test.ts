import { mkdtempSync, rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { bytesOf, type FakeUpstream, startFakeUpstream } from '../support/fake-upstream.ts';
import { ADMIN, type Person, personAt, unique } from '../support/gateway.ts';
import { type GatewayProcess, startGatewayProcess } from '../support/gateway-process.ts';
import { sharedMlflow } from '../support/mlflow.ts';

const PASSWORD = 'a long enough password';
const MODELS = '/api/2.0/mlflow/registered-models';
const EXPERIMENTS = '/api/2.0/mlflow/experiments';

const dir = mkdtempSync(join(tmpdir(), 'gateway-crash-'));
const database = join(dir, 'gateway.db');
let relay: FakeUpstream;
let gateway: GatewayProcess;
/** Called when MLflow has answered a change, instead of letting the answer pass. */
let atAnswer: (() => void) | undefined;

beforeAll(async () => {
  const { uri } = await sharedMlflow('3.17.2');
  relay = await startFakeUpstream(async (request: IncomingMessage, response: ServerResponse) => {
    const body = await bytesOf(request);
    const answer = await fetch(`${uri}${request.url}`, {
      method: request.method ?? 'GET',
      headers: { 'content-type': 'application/json' },
      ...(body.length > 0 && { body }),
    });
    const bytes = Buffer.from(await answer.arrayBuffer());
    if (request.method !== 'GET' && atAnswer !== undefined) atAnswer();
    else response.writeHead(answer.status).end(bytes);
  });
  gateway = await startGatewayProcess(relay.uri, database);
  for (const username of ['alice', 'bob']) {
    await as('admin').post('/api/2.0/mlflow/users/create', { username, password: PASSWORD });
  }
});
beforeEach(() => {
  atAnswer = undefined;
});
afterAll(async () => {
  await gateway.end('SIGKILL');
  await relay.close();
  rmSync(dir, { recursive: true });
});

function as(username: 'admin' | 'alice' | 'bob'): Person {
  return personAt(gateway.url, username, username === 'admin' ? ADMIN.password : PASSWORD);
}

/** Kills the gateway when MLflow has done what is asked and before it can hear of it; then starts it again. */
async function killedDuring(change: (alice: Person) => Promise<unknown>): Promise<void> {
  const answered = new Promise<void>((resolve) => {
    atAnswer = resolve;
  });
  const failed = expect(change(as('alice'))).rejects.toThrow();
  await answered;
  await gateway.end('SIGKILL');
  await failed;
  atAnswer = undefined;
  gateway = await startGatewayProcess(relay.uri, database);
}

/** Asks until the answer has this status: intents are settled in the first moments after the start. */
async function settles(ask: () => Promise<{ status: number }>, status: number): Promise<void> {
  await expect.poll(async () => (await ask()).status, { timeout: 10_000 }).toBe(status);
}

const get = (who: 'alice' | 'bob', name: string) => () =>
  as(who).get(`${MODELS}/get?name=${encodeURIComponent(name)}`);

test('a model created just before a kill is its creator’s', async () => {
  const name = unique('made');
  await killedDuring((alice) => alice.post(`${MODELS}/create`, { name }));
  await settles(get('alice', name), 200);
  expect((await as('alice').delete(`${MODELS}/delete`, { name })).status).toBe(200);
  expect((await get('bob', name)()).status).toBe(403);
});

test('an experiment created just before a kill is its creator’s', async () => {
  const name = unique('made');
  await killedDuring((alice) => alice.post(`${EXPERIMENTS}/create`, { name }));
  const target = `${EXPERIMENTS}/get-by-name?experiment_name=${name}`;
  await settles(() => as('alice').get(target), 200);
  expect((await as('bob').get(target)).status).toBe(403);
});

test('a model renamed just before a kill keeps its grants under the new name alone', async () => {
  const name = unique('old');
  const newName = unique('new');
  await as('alice').post(`${MODELS}/create`, { name });
  await as('alice').post(`${MODELS}/permissions/create`, { name, username: 'bob', permission: 'READ' });
  await killedDuring((alice) => alice.post(`${MODELS}/rename`, { name, new_name: newName }));
  await settles(get('alice', newName), 200);
  expect((await get('bob', newName)()).status).toBe(200);
  // Whoever takes the old name now does not share it.
  expect((await as('bob').post(`${MODELS}/create`, { name })).status).toBe(200);
  expect((await get('alice', name)()).status).toBe(403);
});

test('a model deleted just before a kill leaves nothing to whoever held it', async () => {
  const name = unique('gone');
  await as('alice').post(`${MODELS}/create`, { name });
  await killedDuring((alice) => alice.delete(`${MODELS}/delete`, { name }));
  const held = async () =>
    (await as('admin').get('/api/2.0/mlflow/users')).json.users
      .flatMap(
        (user: { registered_model_permissions: { name: string }[] }) => user.registered_model_permissions,
      )
      .filter((grant: { name: string }) => grant.name === name).length;
  await expect.poll(held, { timeout: 10_000 }).toBe(0);
  expect((await as('bob').post(`${MODELS}/create`, { name })).status).toBe(200);
  expect((await get('alice', name)()).status).toBe(403);
});
