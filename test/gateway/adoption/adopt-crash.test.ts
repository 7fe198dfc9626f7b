import { mkdtempSync, rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { bytesOf, type FakeUpstream, startFakeUpstream } from '../../support/fake-upstream.ts';
import { ADMIN, createExperiment, type Person, personAt, unique } from '../../support/gateway.ts';
import { type GatewayProcess, startGatewayProcess } from '../../support/gateway-process.ts';
import { NEWEST, sharedMlflow } from '../../support/mlflow.ts';

const PASSWORD = 'a long enough password';
const MODELS = '/api/2.0/mlflow/registered-models';
const EXPERIMENTS = '/api/2.0/mlflow/experiments';

const dir = mkdtempSync(join(tmpdir(), 'gateway-crash-'));
const database = join(dir, 'gateway.db');
let relay: FakeUpstream;
let gateway: GatewayProcess;
/** Called when MLflow has answered a change, instead of letting the answer pass. */
let atAnswer: ((response: ServerResponse) => void) | undefined;

beforeAll(async () => {
  const { uri } = await sharedMlflow(NEWEST);
  relay = await startFakeUpstream(async (request: IncomingMessage, response: ServerResponse) => {
    const body = await bytesOf(request);
    const answer = await fetch(`${uri}${request.url}`, {
      method: request.method ?? 'GET',
      headers: { 'content-type': 'application/json' },
      ...(body.length > 0 && { body }),
    });
    const bytes = Buffer.from(await answer.arrayBuffer());
    if (request.method !== 'GET' && atAnswer !== undefined) {
      atAnswer(response);
    } else {
      response.writeHead(answer.status).end(bytes);
    }
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
    atAnswer = () => resolve();
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
  expect((await get('bob', name)()).status).toBe(403);
  expect((await as('alice').delete(`${MODELS}/delete`, { name })).status).toBe(200);
  expect((await get('bob', name)()).status).toBe(404);
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
  // A caller who takes the old name now does not share it.
  expect((await as('bob').post(`${MODELS}/create`, { name })).status).toBe(200);
  expect((await get('alice', name)()).status).toBe(403);
});

test('a model deleted just before a kill leaves nothing to a caller who held it', async () => {
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

describe('what lies in experiments, the AI gateway and the MCP registry', () => {
  const API = '/api/3.0/mlflow';
  const CREATES = ['gateway_secret', 'gateway_model_definition', 'gateway_endpoint', 'mcp_server'] as const;
  type Kind = (typeof CREATES)[number] | 'scorer';

  /** MLflow does everything that is asked of it, and nobody hears of it. */
  async function unheard(changes: readonly (() => Promise<{ status: number }>)[]): Promise<void> {
    atAnswer = (response) => response.destroy();
    for (const change of changes) {
      expect((await change()).status).toBe(503);
    }
    await gateway.end('SIGKILL');
    atAnswer = undefined;
    gateway = await startGatewayProcess(relay.uri, database);
  }

  async function held(username: 'alice' | 'bob') {
    const answer = await as('admin').get(`${API}/users/permissions/list?username=${username}`);
    return answer.json.permissions as {
      resource_type: string;
      resource_pattern: string;
      permission: string;
    }[];
  }
  const heldOn = async (username: 'alice' | 'bob', kind: Kind, id: string) =>
    (await held(username)).find((grant) => grant.resource_type === kind && grant.resource_pattern === id)
      ?.permission;

  const secretOf = (secret_name: string) => ({
    secret_name,
    secret_value: { api_key: 'sk-0123456789' },
    provider: 'openai',
  });
  const definitionOf = (name: string, secret_id: string) => ({
    name,
    secret_id,
    provider: 'openai',
    model_name: 'gpt',
  });
  const endpointOf = (name: string, model_definition_id: string) => ({
    name,
    model_configs: [{ model_definition_id, linkage_type: 'PRIMARY', weight: 1 }],
  });

  async function made(path: string, json: unknown) {
    const answer = await as('alice').post(`${API}/${path}`, json);
    expect([path, answer.status, answer.text]).toEqual([path, 200, answer.text]);
    return answer.json;
  }

  /** One of each, of alice's, in which bob has a part. */
  async function oneOfEach(): Promise<Readonly<Record<Kind, string>>> {
    const name = unique('it');
    const experiment = await createExperiment(as('alice'));
    const serialized_scorer = '{"name":"judge","builtin_scorer_class":"Safety"}';
    await made('scorers/register', { experiment_id: experiment, name: 'judge', serialized_scorer });
    const { secret } = await made('gateway/secrets/create', secretOf(name));
    const { model_definition } = await made(
      'gateway/model-definitions/create',
      definitionOf(name, secret.secret_id),
    );
    const { endpoint } = await made(
      'gateway/endpoints/create',
      endpointOf(name, model_definition.model_definition_id),
    );
    const ids = {
      scorer: `${experiment}/judge`,
      gateway_secret: secret.secret_id,
      gateway_model_definition: model_definition.model_definition_id,
      gateway_endpoint: endpoint.endpoint_id,
      mcp_server: (await made('mcp-servers', { name: `com.example/${name}` })).name,
    } as const;
    for (const [resource_type, resource_id] of Object.entries(ids)) {
      const grant = { username: 'bob', resource_type, resource_id, permission: 'READ' };
      expect((await as('admin').post(`${API}/users/permissions/grant`, grant)).status).toBe(200);
    }
    return ids;
  }

  test('is its creator’s although nobody heard that it was created', async () => {
    const { gateway_secret, gateway_model_definition } = await oneOfEach();
    const name = unique('unheard');
    const alice = as('alice');
    await unheard([
      () => alice.post(`${API}/gateway/secrets/create`, secretOf(name)),
      () => alice.post(`${API}/gateway/model-definitions/create`, definitionOf(name, gateway_secret)),
      () => alice.post(`${API}/gateway/endpoints/create`, endpointOf(name, gateway_model_definition)),
      () => alice.post(`${API}/mcp-servers`, { name: `com.example/${name}` }),
    ]);
    const list = async (path: string) => (await as('admin').get(`${API}/${path}/list`)).json;
    const named = (rows: readonly Record<string, string>[], key: string) =>
      rows.find((row) => row[key] === name) ?? {};
    const ids = {
      gateway_secret: named((await list('gateway/secrets')).secrets, 'secret_name')['secret_id'],
      gateway_model_definition: named((await list('gateway/model-definitions')).model_definitions, 'name')[
        'model_definition_id'
      ],
      gateway_endpoint: named((await list('gateway/endpoints')).endpoints, 'name')['endpoint_id'],
      mcp_server: `com.example/${name}`,
    } as const;
    for (const kind of CREATES) {
      await expect
        .poll(() => heldOn('alice', kind, ids[kind] ?? ''), { timeout: 10_000, message: kind })
        .toBe('MANAGE');
    }
  });

  test('leaves nothing to a caller who held it although nobody heard that it was deleted', async () => {
    const ids = await oneOfEach();
    const kept = await oneOfEach();
    const [experiment_id, name] = ids.scorer.split('/');
    const alice = as('alice');
    await unheard([
      () => alice.delete(`${API}/scorers/delete`, { experiment_id, name }),
      () => alice.delete(`${API}/gateway/endpoints/delete`, { endpoint_id: ids.gateway_endpoint }),
      () =>
        alice.delete(`${API}/gateway/model-definitions/delete`, {
          model_definition_id: ids.gateway_model_definition,
        }),
      () => alice.delete(`${API}/gateway/secrets/delete`, { secret_id: ids.gateway_secret }),
      () => alice.delete(`${API}/mcp-servers/${ids.mcp_server}`),
    ]);
    for (const [kind, id] of Object.entries(ids)) {
      await expect
        .poll(() => heldOn('bob', kind as Kind, id), { timeout: 10_000, message: kind })
        .toBeUndefined();
      expect(await heldOn('alice', kind as Kind, id)).toBeUndefined();
      expect(await heldOn('bob', kind as Kind, kept[kind as Kind])).toBe('READ');
    }
  });
});
