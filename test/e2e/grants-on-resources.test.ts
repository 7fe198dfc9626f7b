/** Grants on what MLflow 3.17 has beyond experiments and models, on the real server. */
import { beforeEach, describe, expect, test } from 'vitest';
import { createExperiment, grantOn, type Person, unique } from '../support/gateway.ts';
import { NEWEST, runPython } from '../support/mlflow.ts';
import { useGateway } from '../support/use-gateway.ts';

const A3 = '/api/3.0/mlflow';
const AI = `${A3}/gateway`;

let owner: Person;
let other: Person;

const { gateway } = useGateway({ version: NEWEST });

beforeEach(async () => {
  owner = await gateway.person('owner');
  other = await gateway.person('other');
});

/** Lets the other have a permission on something of the owner's, in place of any it had. */
async function share(type: string, id: string, permission: string) {
  const what = { username: other.username, resource_type: type, resource_id: id };
  await owner.post(`${A3}/users/permissions/revoke`, what);
  await grantOn(owner, other, type, id, permission);
}

/** What a user holds, one line for each grant. */
async function held(who: Person): Promise<string[]> {
  const { permissions } = (await who.get(`${A3}/users/current/permissions`)).json;
  return permissions.map(
    (row: Record<string, string>) =>
      `${row['resource_type']} ${row['resource_pattern']} ${row['permission']}`,
  );
}

async function createSecret(by: Person): Promise<string> {
  const secret = { secret_name: unique('secret'), secret_value: { api_key: 'a-key' }, provider: 'openai' };
  return (await by.post(`${AI}/secrets/create`, secret)).json.secret.secret_id;
}

const createDefinition = (by: Person, secret_id: string) =>
  by.post(`${AI}/model-definitions/create`, {
    name: unique('definition'),
    secret_id,
    provider: 'openai',
    model_name: 'a-model',
  });

const definitionOf = async (by: Person, secret: string): Promise<string> =>
  (await createDefinition(by, secret)).json.model_definition.model_definition_id;

const createEndpoint = (by: Person, definition: string, more: Record<string, unknown> = {}) =>
  by.post(`${AI}/endpoints/create`, {
    name: unique('endpoint'),
    model_configs: [{ model_definition_id: definition, linkage_type: 'PRIMARY', weight: 1 }],
    usage_tracking: false,
    ...more,
  });

describe('a secret of the AI gateway', () => {
  test('is managed by the user who created it, and is nothing to others', async () => {
    const id = await createSecret(owner);
    expect(await held(owner)).toEqual([`gateway_secret ${id} MANAGE`]);
    expect((await owner.get(`${AI}/secrets/list`)).json.secrets).toHaveLength(1);
    expect((await other.get(`${AI}/secrets/list`)).json.secrets ?? []).toEqual([]);
    expect((await other.get(`${AI}/secrets/get?secret_id=${id}`)).status).toBe(403);
    const value = { secret_id: id, secret_value: { api_key: 'another' } };
    expect((await other.post(`${AI}/secrets/update`, value)).status).toBe(403);
    expect((await other.delete(`${AI}/secrets/delete`, { secret_id: id })).status).toBe(403);
  });

  test('takes its grants along when it is deleted', async () => {
    const id = await createSecret(owner);
    await share('gateway_secret', id, 'EDIT');
    expect((await other.delete(`${AI}/secrets/delete`, { secret_id: id })).status).toBe(403);
    expect((await owner.delete(`${AI}/secrets/delete`, { secret_id: id })).status).toBe(200);
    expect([await held(owner), await held(other)]).toEqual([[], []]);
  });

  test('can be named by its id alone', async () => {
    const id = await createSecret(owner);
    expect((await owner.get(`${AI}/secrets/get?secret_id=${id}&secret_name=x`)).status).toBe(400);
    expect((await owner.get(`${AI}/secrets/get?secret_name=x`)).status).toBe(400);
  });
});

describe('a model definition', () => {
  test('takes USE of its secret', async () => {
    const secret = await createSecret(owner);
    await share('gateway_secret', secret, 'READ');
    expect((await createDefinition(other, secret)).status).toBe(403);
    await share('gateway_secret', secret, 'USE');
    expect((await createDefinition(other, secret)).status).toBe(200);
  });

  test('cannot be pointed at a secret that is not one’s to use', async () => {
    const own = await createSecret(other);
    const definition = await definitionOf(other, own);
    const change = { model_definition_id: definition, secret_id: await createSecret(owner) };
    expect((await other.post(`${AI}/model-definitions/update`, change)).status).toBe(403);
    expect((await other.post(`${AI}/model-definitions/update`, { ...change, secret_id: own })).status).toBe(
      200,
    );
  });
});

describe('an endpoint', () => {
  let definition: string;

  beforeEach(async () => {
    definition = await definitionOf(owner, await createSecret(owner));
  });

  test('takes USE of its model definitions, and EDIT of the experiment it logs to', async () => {
    expect((await createEndpoint(other, definition)).status).toBe(403);
    await share('gateway_model_definition', definition, 'USE');
    expect((await createEndpoint(other, definition)).status).toBe(200);
    const experiment_id = await createExperiment(owner);
    await share('experiment', experiment_id, 'READ');
    const tracked = { experiment_id, usage_tracking: true };
    expect((await createEndpoint(other, definition, tracked)).status).toBe(403);
    await share('experiment', experiment_id, 'EDIT');
    expect((await createEndpoint(other, definition, tracked)).status).toBe(200);
  });

  test('is read by id and by name, edited and deleted with the permission for it', async () => {
    const { endpoint_id, name } = (await createEndpoint(owner, definition)).json.endpoint;
    const [byId, byName] = [`endpoint_id=${endpoint_id}`, `name=${name}`];
    const get = async (query: string) => (await other.get(`${AI}/endpoints/get?${query}`)).status;
    const rename = { endpoint_id, name: unique('renamed') };
    const attempt = async () => [
      await get(byId),
      await get(byName),
      (await other.post(`${AI}/endpoints/update`, rename)).status,
      (await other.delete(`${AI}/endpoints/delete`, { endpoint_id })).status,
    ];
    expect(await attempt()).toEqual([403, 403, 403, 403]);
    await share('gateway_endpoint', endpoint_id, 'READ');
    expect(await attempt()).toEqual([200, 200, 403, 403]);
    await share('gateway_endpoint', endpoint_id, 'EDIT');
    expect(await attempt()).toEqual([200, 200, 200, 403]);
    await share('gateway_endpoint', endpoint_id, 'MANAGE');
    expect((await other.delete(`${AI}/endpoints/delete`, { endpoint_id })).status).toBe(200);
    expect(await held(other)).toEqual([]);
  });

  test('keeps its grants under another name, and leaves none to the next of its old name', async () => {
    const { endpoint_id, name } = (await createEndpoint(owner, definition)).json.endpoint;
    await share('gateway_endpoint', endpoint_id, 'READ');
    const renamed = unique('renamed');
    await owner.post(`${AI}/endpoints/update`, { endpoint_id, name: renamed });
    await createEndpoint(owner, definition, { name });
    expect((await other.get(`${AI}/endpoints/get?name=${renamed}`)).status).toBe(200);
    expect((await other.get(`${AI}/endpoints/get?name=${name}`)).status).toBe(403);
  });

  test('gets another model only from a user who may edit the one and use the other', async () => {
    const { endpoint_id } = (await createEndpoint(owner, definition)).json.endpoint;
    const mine = await definitionOf(other, await createSecret(other));
    const model_config = {
      model_definition_id: mine,
      linkage_type: 'FALLBACK',
      weight: 1,
      fallback_order: 1,
    };
    const attach = async (by: Person) =>
      (await by.post(`${AI}/endpoints/models/attach`, { endpoint_id, model_config })).status;
    expect([await attach(other), await attach(owner)]).toEqual([403, 403]);
    await share('gateway_endpoint', endpoint_id, 'EDIT');
    expect(await attach(other)).toBe(200);
  });

  test.each([
    (name: string) => [`/gateway/${name}/mlflow/invocations`, { messages: [] }] as const,
    (name: string) => ['/gateway/mlflow/v1/chat/completions', { model: name, messages: [] }] as const,
    (name: string) => ['/gateway/openai/v1/chat/completions', { model: name, messages: [] }] as const,
    (name: string) => ['/gateway/openai/v1/embeddings', { model: name, input: 'x' }] as const,
    (name: string) => ['/gateway/openai/v1/responses', { model: name, input: 'x' }] as const,
    (name: string) => ['/gateway/anthropic/v1/messages', { model: name, messages: [] }] as const,
    (name: string) => [`/gateway/gemini/v1beta/models/${name}:generateContent`, { contents: [] }] as const,
  ])('is not called by a user who may only read it', async (call) => {
    const { endpoint_id, name } = (await createEndpoint(owner, definition)).json.endpoint;
    await share('gateway_endpoint', endpoint_id, 'READ');
    const [path, json] = call(name);
    const answer = await other.post(path, json);
    expect([answer.status, answer.json.error_code]).toEqual([403, 'PERMISSION_DENIED']);
    const models = async () => (await other.get('/gateway/mlflow/v1/models')).json.data;
    expect(await models()).toEqual([]);
    await share('gateway_endpoint', endpoint_id, 'USE');
    expect((await models()).map(({ id }: { id: string }) => id)).toEqual([name]);
  });
});

describe('an MCP server', () => {
  test('is managed by its creator, listed for its readers, and leaves no grants behind', async () => {
    const name = `com.example/${unique('server')}`;
    expect((await owner.post(`${A3}/mcp-servers`, { name })).status).toBe(200);
    const listed = async () =>
      (await other.get(`${A3}/mcp-servers`)).json.mcp_servers.map((each: { name: string }) => each.name);
    expect(await listed()).toEqual([]);
    expect((await other.get(`${A3}/mcp-servers/${name}`)).status).toBe(403);
    await share('mcp_server', name, 'READ');
    expect(await listed()).toEqual([name]);
    expect((await other.get(`${A3}/mcp-servers/${name}`)).status).toBe(200);
    const version = { server_json: { name, version: '1.0.0', description: 'a server' } };
    const publish = async (by: Person) =>
      (await by.post(`${A3}/mcp-servers/${name}/versions`, version)).status;
    expect(await publish(other)).toBe(403);
    expect(await publish(owner)).toBe(200);
    expect((await other.send('DELETE', `${A3}/mcp-servers/${name}`)).status).toBe(403);
    expect((await owner.send('DELETE', `${A3}/mcp-servers/${name}`)).status).toBe(200);
    expect([await held(owner), await held(other)]).toEqual([[], []]);
  });

  test('is reached by MLflow’s client, which encodes the slash in its name', async () => {
    const printed = await runPython(
      NEWEST,
      `
from mlflow import MlflowClient
client, name = MlflowClient(), "${unique('com.example/client')}"
client.create_mcp_server(name)
client.create_mcp_server_version(server_json={"name": name, "version": "1.0.0+b", "description": "d"})
client.set_mcp_server_tag(name, "a b", "v")
client.set_mcp_server_alias(name, "prod", "1.0.0+b")
client.create_mcp_access_endpoint(name, "https://example.com/mcp", server_alias="prod")
print(client.get_mcp_server(name).tags, client.get_mcp_server_version_by_alias(name, "prod").version)
print([each.version for each in client.search_mcp_server_versions(name)], len(client.search_mcp_access_endpoints(name)))
client.delete_mcp_server_tag(name, "a b")
client.delete_mcp_server_alias(name, "prod")
client.delete_mcp_server(name)
`,
      {
        MLFLOW_TRACKING_URI: gateway.url,
        MLFLOW_TRACKING_USERNAME: owner.username,
        MLFLOW_TRACKING_PASSWORD: owner.password,
        MLFLOW_HTTP_REQUEST_MAX_RETRIES: '1',
      },
    );
    expect(printed).toBe("{'a b': 'v'} 1.0.0+b\n['1.0.0+b'] 1\n");
    expect(await held(owner)).toEqual([]);
  });

  test('says to each what he may do to it', async () => {
    const name = `com.example/${unique('server')}`;
    await owner.post(`${A3}/mcp-servers`, { name });
    for (const [permission, actions] of [
      ['READ', []],
      ['USE', ['USE']],
      ['EDIT', ['USE', 'UPDATE']],
      ['MANAGE', ['USE', 'UPDATE', 'DELETE', 'MANAGE']],
    ] as const) {
      await share('mcp_server', name, permission);
      const [listed] = (await other.get(`${A3}/mcp-servers`)).json.mcp_servers;
      expect([permission, listed.allowed_actions]).toEqual([permission, actions]);
      expect((await other.get(`${A3}/mcp-servers/${name}`)).json.allowed_actions).toEqual(actions);
    }
  });

  const firstVersion = (name: string, more: Record<string, unknown> = {}) => ({
    server_json: { name, version: '1.0.0', description: 'a server', ...more },
  });

  test('that comes with its first version is its creator’s', async () => {
    const name = `com.example/${unique('server')}`;
    const versions = `${A3}/mcp-servers/${name}/versions`;
    expect((await owner.post(versions, firstVersion(name))).status).toBe(200);
    expect(await held(owner)).toEqual([`mcp_server ${name} MANAGE`]);
    expect((await owner.get(versions)).json.mcp_server_versions).toHaveLength(1);
    // Once it is there, another user’s version needs EDIT on it.
    expect((await other.post(versions, firstVersion(name, { version: '1.0.1' }))).status).toBe(403);
    expect(await held(other)).toEqual([]);
    expect((await gateway.admin.get(versions)).json.mcp_server_versions).toHaveLength(1);
  });

  test.each([
    ['the name of another', { name: 'com.example/another' }],
    ['no version', { version: null }],
  ])('does not come into being by a version with %s', async (_, more) => {
    const name = `com.example/${unique('server')}`;
    const answer = await owner.post(`${A3}/mcp-servers/${name}/versions`, firstVersion(name, more));
    expect(answer.status).toBe(400);
    expect(await held(owner)).toEqual([]);
    expect((await gateway.admin.get(`${A3}/mcp-servers/${name}`)).status).toBe(404);
  });

  test('does not come into being by a version from a user who is denied it', async () => {
    const name = `com.example/${unique('server')}`;
    await grantOn(gateway.admin, other, 'mcp_server', '*', 'DENY');
    expect((await other.post(`${A3}/mcp-servers/${name}/versions`, firstVersion(name))).status).toBe(403);
    expect((await gateway.admin.get(`${A3}/mcp-servers/${name}`)).status).toBe(404);
  });

  test('loses tags, aliases and versions by a user who manages it alone', async () => {
    const name = `com.example/${unique('server')}`;
    const server = `${A3}/mcp-servers/${name}`;
    await owner.post(`${server}/versions`, firstVersion(name));
    await owner.post(`${server}/tags`, { key: 'k', value: 'v' });
    await owner.post(`${server}/versions/1.0.0/tags`, { key: 'k', value: 'v' });
    await owner.post(`${server}/aliases`, { alias: 'champion', version: '1.0.0' });
    await share('mcp_server', name, 'EDIT');
    for (const part of ['tags/k', 'versions/1.0.0/tags/k', 'aliases/champion', 'versions/1.0.0']) {
      expect([part, (await other.delete(`${server}/${part}`)).status]).toEqual([part, 403]);
      expect([part, (await owner.delete(`${server}/${part}`)).status]).toEqual([part, 200]);
    }
  });
});

describe('what hangs on an endpoint', () => {
  let endpoint_id: string;

  beforeEach(async () => {
    const definition = await definitionOf(owner, await createSecret(owner));
    ({ endpoint_id } = (await createEndpoint(owner, definition)).json.endpoint);
  });

  test('its bindings are seen by readers and made by editors', async () => {
    const experiment_id = await createExperiment(owner);
    const scorer = { experiment_id, name: 'judge', serialized_scorer: '{}' };
    const { scorer_id } = (await owner.post(`${A3}/scorers/register`, scorer)).json;
    const binding = { endpoint_id, resource_type: 'scorer', resource_id: scorer_id };
    const attempts = async () => [
      (await other.get(`${AI}/endpoints/bindings/list?endpoint_id=${endpoint_id}`)).status,
      (await other.post(`${AI}/endpoints/bindings/create`, binding)).status,
      (await other.delete(`${AI}/endpoints/bindings/delete`, binding)).status,
    ];
    expect(await attempts()).toEqual([403, 403, 403]);
    await share('gateway_endpoint', endpoint_id, 'USE');
    expect(await attempts()).toEqual([200, 403, 403]);
    await share('gateway_endpoint', endpoint_id, 'EDIT');
    expect(await attempts()).toEqual([200, 200, 200]);
    await other.post(`${AI}/endpoints/bindings/create`, binding);
    const listed = async (who: Person, of = '') =>
      (await who.get(`${AI}/endpoints/bindings/list${of}`)).json.bindings?.map(
        (each: { endpoint_id: string; resource_id: string }) => [each.endpoint_id, each.resource_id],
      ) ?? [];
    // That a scorer uses the endpoint is told to those who may read the scorer.
    expect(await listed(other)).toEqual([]);
    expect(await listed(other, `?endpoint_id=${endpoint_id}`)).toEqual([]);
    await share('experiment', experiment_id, 'READ');
    expect(await listed(other, `?endpoint_id=${endpoint_id}`)).toEqual([[endpoint_id, scorer_id]]);
    // Without an endpoint those of all that may be read.
    expect(await listed(other)).toEqual([[endpoint_id, scorer_id]]);
    expect(await listed(await gateway.person('nobody'))).toEqual([]);
  });

  test('the definitions and secrets it is made of are named to those who may read them', async () => {
    const [get, list] = [`${AI}/endpoints/get?endpoint_id=${endpoint_id}`, `${AI}/endpoints/list`];
    const shown = async (who: Person): Promise<readonly Record<string, unknown>[]> => {
      const [one, all] = [await who.get(get), await who.get(list)];
      expect([one.status, all.status]).toEqual([200, 200]);
      const endpoints = [one.json.endpoint, ...all.json.endpoints].filter(
        (each: { endpoint_id: string }) => each.endpoint_id === endpoint_id,
      );
      return endpoints.map((each) => each.model_mappings[0].model_definition);
    };
    const [{ model_definition_id, name, secret_id, secret_name } = {}] = await shown(owner);
    expect([name, secret_id, secret_name]).toEqual([
      expect.any(String),
      expect.any(String),
      expect.any(String),
    ]);
    await share('gateway_endpoint', endpoint_id, 'USE');
    for (const told of await shown(other)) {
      expect(JSON.stringify(told)).not.toMatch(new RegExp(`${name}|${secret_id}|${secret_name}`));
    }
    await share('gateway_model_definition', String(model_definition_id), 'READ');
    const definition = `${AI}/model-definitions/get?model_definition_id=${model_definition_id}`;
    const definitions = [...(await shown(other)), (await other.get(definition)).json.model_definition];
    expect(definitions).toHaveLength(3);
    for (const told of definitions) {
      expect(told).toMatchObject({ name, model_definition_id });
      expect(JSON.stringify(told)).not.toMatch(new RegExp(`${secret_id}|${secret_name}`));
    }
    await share('gateway_secret', String(secret_id), 'READ');
    for (const told of await shown(other)) {
      expect(told).toMatchObject({ name, secret_id, secret_name });
    }
  });

  test('its guardrails are seen by readers and set by editors, who may read the scorer', async () => {
    const experiment_id = await createExperiment(owner);
    const serialized_scorer = JSON.stringify({
      name: 'judge',
      aggregations: [],
      mlflow_version: '3.17.2',
      serialization_version: 1,
      instructions_judge_pydantic_data: {
        instructions: 'Is {{ outputs }} good?',
        model: 'openai:/gpt-4',
        feedback_value_type: { type: 'string' },
      },
    });
    const scorer = { experiment_id, name: 'judge', serialized_scorer };
    const { scorer_id } = (await owner.post(`${A3}/scorers/register`, scorer)).json;
    const { guardrail_id } = (
      await gateway.admin.post(`${AI}/guardrails/create`, {
        name: unique('guardrail'),
        scorer_id,
        scorer_version: 1,
        stage: 'BEFORE',
        action: 'VALIDATION',
      })
    ).json.guardrail;
    const pair = { endpoint_id, guardrail_id };
    const attempts = async () => {
      const listed = await other.get(`${AI}/guardrails/list-for-endpoint?endpoint_id=${endpoint_id}`);
      return [
        listed.status === 200 ? (listed.json.configs ?? []).length : listed.status,
        (
          await other.send('PATCH', `${AI}/guardrails/update-config`, {
            json: { ...pair, execution_order: 1 },
          })
        ).status,
        (await other.delete(`${AI}/guardrails/remove-from-endpoint`, pair)).status,
        (await other.post(`${AI}/guardrails/add-to-endpoint`, pair)).status,
      ];
    };
    expect((await owner.post(`${AI}/guardrails/add-to-endpoint`, pair)).status).toBe(200);
    expect(await attempts()).toEqual([403, 403, 403, 403]);
    await share('experiment', experiment_id, 'READ');
    await share('gateway_endpoint', endpoint_id, 'READ');
    expect(await attempts()).toEqual([1, 403, 403, 403]);
    await share('gateway_endpoint', endpoint_id, 'EDIT');
    expect(await attempts()).toEqual([1, 200, 200, 200]);
    await share('experiment', experiment_id, 'DENY');
    expect(await attempts()).toEqual([0, 403, 200, 403]);
  });
});

describe('a scorer', () => {
  const NAME = "my judge's/1";
  let experiment: string;
  let id: string;

  beforeEach(async () => {
    experiment = await createExperiment(owner);
    id = `${experiment}/my%20judge%27s%2F1`;
    await runPython(
      NEWEST,
      `
import os
from mlflow.genai.scorers import RelevanceToQuery
RelevanceToQuery().register(name=os.environ["NAME"], experiment_id=os.environ["EXPERIMENT"])`,
      {
        MLFLOW_TRACKING_URI: gateway.url,
        MLFLOW_TRACKING_USERNAME: owner.username,
        MLFLOW_TRACKING_PASSWORD: owner.password,
        MLFLOW_HTTP_REQUEST_MAX_RETRIES: '1',
        NAME,
        EXPERIMENT: experiment,
      },
    );
  });

  const seen = async () => {
    const query = `experiment_id=${experiment}&name=${encodeURIComponent(NAME)}`;
    const listed = (await other.get(`${A3}/scorers/list`)).json.scorers ?? [];
    return {
      listed: listed.map((each: { scorer_name: string }) => each.scorer_name),
      get: (await other.get(`${A3}/scorers/get?${query}`)).status,
      versions: (await other.get(`${A3}/scorers/versions?${query}`)).status,
    };
  };
  const remove = async (by: Person) =>
    (await by.delete(`${A3}/scorers/delete`, { experiment_id: experiment, name: NAME })).status;

  test('is as open as its experiment', async () => {
    expect(await seen()).toEqual({ listed: [], get: 403, versions: 403 });
    await share('experiment', experiment, 'READ');
    expect(await seen()).toEqual({ listed: [NAME], get: 200, versions: 200 });
    expect(await remove(other)).toBe(403);
  });

  test('is opened by a grant of its own, which goes when it is deleted', async () => {
    await share('scorer', id, 'READ');
    expect(await seen()).toEqual({ listed: [NAME], get: 200, versions: 200 });
    expect(await remove(other)).toBe(403);
    await share('scorer', id, 'MANAGE');
    expect(await remove(other)).toBe(200);
    expect(await held(other)).toEqual([]);
  });

  test('is managed by the user who registered it first, and by no later version’s author', async () => {
    await share('experiment', experiment, 'EDIT');
    const register = async (by: Person, name: string) =>
      (await by.post(`${A3}/scorers/register`, { experiment_id: experiment, name, serialized_scorer: '{}' }))
        .status;
    expect(await register(other, 'theirs')).toBe(200);
    expect(await held(other)).toEqual([
      `experiment ${experiment} EDIT`,
      `scorer ${experiment}/theirs MANAGE`,
    ]);
    expect(await register(other, NAME)).toBe(200);
    expect(await held(other)).toHaveLength(2);
    expect(await held(owner)).toContain(`scorer ${id} MANAGE`);
    expect(await remove(other)).toBe(403);
    const theirs = { experiment_id: experiment, name: 'theirs' };
    expect((await other.delete(`${A3}/scorers/delete`, theirs)).status).toBe(200);
    expect(await held(other)).toEqual([`experiment ${experiment} EDIT`]);
  });

  test('is closed by DENY to a user who may read its experiment', async () => {
    await share('experiment', experiment, 'READ');
    await share('scorer', id, 'DENY');
    expect(await seen()).toEqual({ listed: [], get: 403, versions: 403 });
  });
});

/** As the clients of MLflow 3.9 to 3.12 ask. */
describe('the classic permissions API', () => {
  const secret = async () => ({ secret_id: await createSecret(owner) });
  const definition = async () => ({
    model_definition_id: await definitionOf(owner, (await secret()).secret_id),
  });
  const endpoint = async () => {
    const { model_definition_id } = await definition();
    return { endpoint_id: (await createEndpoint(owner, model_definition_id)).json.endpoint.endpoint_id };
  };
  const scorer = async () => {
    const [experiment_id, scorer_name] = [await createExperiment(owner), "my judge's/1"];
    const registered = { experiment_id, name: scorer_name, serialized_scorer: '{}' };
    expect((await owner.post(`${A3}/scorers/register`, registered)).status).toBe(200);
    return { experiment_id, scorer_name };
  };

  test.each<[string, string, () => Promise<Record<string, string>>]>([
    ['scorers', 'scorer_permission', scorer],
    ['gateway/secrets', 'gateway_secret_permission', secret],
    ['gateway/endpoints', 'gateway_endpoint_permission', endpoint],
    ['gateway/model-definitions', 'gateway_model_definition_permission', definition],
  ])('serves %s to a user who manages one', async (path, envelope, create) => {
    const names = await create();
    const what = { ...names, username: other.username };
    const api = `${A3}/${path}/permissions`;
    const query = new URLSearchParams(what).toString();
    const attempts = async (by: Person) => [
      (await by.post(`${api}/create`, { ...what, permission: 'USE' })).status,
      (await by.get(`${api}/get?${query}`)).status,
      (await by.patch(`${api}/update`, { ...what, permission: 'EDIT' })).status,
    ];
    expect(await attempts(other)).toEqual([403, 403, 403]);
    expect(await attempts(owner)).toEqual([200, 200, 200]);
    // A user who may change it may still not give it away.
    expect(await attempts(other)).toEqual([403, 403, 403]);

    const { user } = (await other.get(`/api/2.0/mlflow/users/get?username=${other.username}`)).json;
    const shown = { ...names, permission: 'EDIT', user_id: user.id };
    expect((await owner.get(`${api}/get?${query}`)).json).toEqual({ [envelope]: shown });
    if (path === 'scorers') {
      expect(user.scorer_permissions).toEqual([shown]);
    }

    const again = await owner.post(`${api}/create`, { ...what, permission: 'READ' });
    expect(again.json.error_code).toBe('RESOURCE_ALREADY_EXISTS');
    const unknown = await owner.patch(`${api}/update`, { ...what, permission: 'OWNER' });
    expect(unknown.json.message).toBe(
      "Invalid permission 'OWNER'. Valid permissions are: ('READ', 'USE', 'EDIT', 'MANAGE', 'NO_PERMISSIONS')",
    );
    expect((await other.delete(`${api}/delete`, what)).status).toBe(403);
    expect((await owner.delete(`${api}/delete`, what)).status).toBe(200);
    expect(await held(other)).toEqual([]);
    const gone = await owner.get(`${api}/get?${query}`);
    expect(gone).toMatchObject({ status: 404, json: { message: expect.stringMatching(/ not found$/) } });
  });

  test('a user is shown as clients of every version read one, also with a grant on no scorer MLflow could name', async () => {
    await grantOn(gateway.admin, other, 'scorer', '1/%zz', 'READ');
    const { user } = (await other.get(`/api/2.0/mlflow/users/get?username=${other.username}`)).json;
    expect(user).toMatchObject({
      experiment_permissions: [],
      registered_model_permissions: [],
      scorer_permissions: [{ experiment_id: '1', scorer_name: '%zz', permission: 'READ' }],
    });
  });
});
