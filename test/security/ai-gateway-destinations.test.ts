/**
 * Nobody but an admin has MLflow call itself, or anything that only MLflow reaches, by what they write into the AI gateway:
 * MLflow would do there what the address says, with its own rights.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { createExperiment, grantOn, type Person, unique } from '../support/gateway.ts';
import { STARTED } from '../support/mlflow.ts';
import { useGateway } from '../support/use-gateway.ts';

const A3 = '/api/3.0/mlflow';
const AI = `${A3}/gateway`;
const KEY = { api_key: 'a-key' };
const ALLOWED = 'api.example.com, *.openai.azure.com, models.internal:8000';

type Map = Readonly<Record<string, unknown>>;

/** In front of an MLflow that says it is of a version. */
const useVersion = (version: string, allowed?: string) =>
  useGateway({
    version: STARTED,
    ...(version !== STARTED && { says: version }),
    ...(allowed !== undefined && { settings: { ai_gateway_allowed_hosts: allowed } }),
    people: ['alice'],
  });

const newSecret = async (by: Person, auth_config: Map, secret_value: Map = KEY, more: Map = {}) => {
  const asked = { secret_name: unique('secret'), secret_value, auth_config, provider: 'openai', ...more };
  const { status, json } = await by.post(`${AI}/secrets/create`, asked);
  return [status, json.secret?.secret_id as string] as const;
};
const define = async (by: Person, secret_id: string, provider: string, model_name = 'a-model') => {
  const asked = { name: unique('definition'), secret_id, provider, model_name };
  const { status, json } = await by.post(`${AI}/model-definitions/create`, asked);
  return [status, json.model_definition?.model_definition_id as string] as const;
};

/** What chooses a host without being one, in any version. */
const STEERING: readonly (readonly [settings: Map, value: Map])[] = [
  [{ base_url: 'https://elsewhere.example' }, KEY],
  [{ model_list: '[]' }, KEY],
  [{ fallbacks: '[]' }, KEY],
  [{ custom_llm_provider: 'x' }, KEY],
  [{ aws_bedrock_runtime_endpoint: 'http://127.0.0.1:5000' }, KEY],
  [{ aws_sts_endpoint: 'http://127.0.0.1:5000' }, KEY],
  [{ aws_region_name: '@127.0.0.1:5000/' }, KEY],
  [{ aws_region_name: 'x.elsewhere.example/?' }, KEY],
  [{ vertex_location: '127.0.0.1/api/2.0/mlflow/experiments/delete?' }, KEY],
  [{ vertex_location: 'evil.example/?' }, KEY],
  [{ vertex_api_base: 'http://127.0.0.1:5000' }, KEY],
  [{ azure_endpoint: 'http://127.0.0.1:5000' }, KEY],
  [{ account_id: '127.0.0.1:5000/?' }, KEY],
  [{ api_version: '2024-01-01&x=/../..' }, KEY],
  [{ deployment_name: '../../x' }, KEY],
  [{ http_proxy: 'http://127.0.0.1:5000' }, KEY],
  [{ proxies: '{}' }, KEY],
  [{ extra_headers: '{}' }, KEY],
  [{}, { ...KEY, api_base_url: 'http://127.0.0.1:5000' }],
  [{}, { ...KEY, base_url: 'http://127.0.0.1:5000' }],
  [{}, { vertex_credentials: '{"type":"service_account","token_uri":"http://127.0.0.1:5000/x"}' }],
  [{}, { vertex_credentials: '{"type":"service_account","universe_domain":"evil.example"}' }],
  [{}, { vertex_credentials: '{"type":"external_account","token_url":"http://127.0.0.1:5000"}' }],
  [{}, { vertex_credentials: '/etc/key.json' }],
];
/** Addresses that no setting allows, or that two readers could take for different ones. */
const STRANGE = [
  'http://127.0.0.1:5000/gateway/x',
  'https://elsewhere.example',
  'https://example.com',
  'https://api.example.com:444',
  'https://api.example.com.elsewhere.example',
  'https://api.example.com@127.0.0.1:5000',
  'https://127.0.0.1:5000\\@api.example.com',
  'https://127.0.0.1:5000#api.example.com',
  'https://api.example.com?x=/../..',
  'https://openai.azure.com',
  'https://xopenai.azure.com',
  'http://models.internal',
  'ftp://api.example.com',
  ' https://api.example.com',
  'api.example.com',
];
const GOOD = [
  'https://api.example.com',
  'https://API.example.com/v1/openai',
  'http://api.example.com',
  'https://api.example.com:443/v1',
  'https://team-7.openai.azure.com/',
  'http://models.internal:8000/v1',
];

describe.each(['3.16.0', STARTED])('in front of MLflow %s', (version) => {
  const { gateway, alice } = useVersion(version);
  const { alice: dora } = useVersion(version, ALLOWED);
  let own: string;
  beforeAll(async () => {
    [, own] = await newSecret(alice, {});
  });

  test.each(STEERING)('a secret has no setting that chooses a host: %j %j', async (settings, value) => {
    expect((await newSecret(alice, settings, value))[0]).toBe(403);
    const update = { secret_id: own, secret_value: value, auth_config: settings };
    expect((await alice.post(`${AI}/secrets/update`, update)).status).toBe(403);
  });

  test('nor do those who may use every endpoint set one', async () => {
    const carol = await gateway.person('carol');
    await grantOn(gateway.admin, carol, 'gateway_endpoint', '*', 'MANAGE');
    expect((await newSecret(carol, { aws_sts_endpoint: 'http://127.0.0.1:5000' }))[0]).toBe(403);
  });

  test.each([
    ['huggingface', 'https://elsewhere.example'],
    ['huggingface', 'http://127.0.0.1:5000/gateway/x'],
    ['baseten', 'elsewhere.example/?'],
    ['openai', '../../x'],
    ['openai', 'a-model#'],
    ['x/https://elsewhere.example', 'a-model'],
    ['openai\n', 'a-model'],
  ])('a model is no address: %s %s', async (provider, model) => {
    expect((await define(alice, own, provider, model))[0]).toBe(403);
    const [, definition] = await define(alice, own, 'openai');
    const change = async (json: Map) =>
      (await alice.post(`${AI}/model-definitions/update`, { model_definition_id: definition, ...json }))
        .status;
    expect(await change({ provider, model_name: model })).toBe(403);
    if (provider !== 'openai') {
      expect(await change({ modelName: 'meta/llama:7b@latest' })).toBe(200);
    }
  });

  test.each([
    { model: 'huggingface:/https://elsewhere.example' },
    { model: 'huggingface/https://elsewhere.example' },
    { reflection_model: 'huggingface:/http://127.0.0.1:5000' },
    { kwargs: [['api_base', 'http://127.0.0.1:5000']] },
    { kwargs: { completion_kwargs: { headers: { host: 'x' } } } },
    { inference_params: [['base_url', 'http://127.0.0.1:5000']] },
  ])('a scorer has the server call no address: %j', async (change) => {
    const experiment_id = await createExperiment(alice);
    const register = async (by: Person, data: Map) => {
      const serialized_scorer = JSON.stringify({
        mlflow_version: '3.17.2',
        serialization_version: 1,
        name: 'judge',
        aggregations: [],
        instructions_judge_pydantic_data: { instructions: 'See https://example.com {{ outputs }}', ...data },
      });
      return (await by.post(`${A3}/scorers/register`, { experiment_id, name: 'judge', serialized_scorer }))
        .status;
    };
    expect(await register(alice, change)).toBe(403);
    expect(await register(alice, { model: 'openai:/ft:gpt-4.1:team::x' })).toBe(200);
  });

  test('an operator says which hosts users may name', async () => {
    for (const api_base of STRANGE) {
      expect([api_base, (await newSecret(dora, { api_base }))[0]]).toEqual([api_base, 403]);
      expect([api_base, (await newSecret(dora, {}, { ...KEY, api_base }))[0]]).toEqual([api_base, 403]);
    }
    // MLflow itself, of 3.17, looks up the host, which is not there.
    for (const api_base of GOOD) {
      expect([api_base, (await newSecret(dora, { api_base }))[0]]).toEqual([api_base, 400]);
    }
    expect((await newSecret(dora, { api_base: '' }))[0]).toBe(200);
  });
});

describe('before MLflow 3.17', () => {
  const { gateway, alice } = useVersion('3.16.0');

  test('a user names no host at all', async () => {
    const [, own] = await newSecret(alice, {});
    for (const api_base of [...STRANGE, ...GOOD, 'https://1.1.1.1']) {
      expect([api_base, (await newSecret(alice, { api_base }))[0]]).toEqual([api_base, 403]);
      const update = { secret_id: own, authConfig: { api_base } };
      expect((await alice.post(`${AI}/secrets/update`, update)).status).toBe(403);
    }
    const [status, theirs] = await newSecret(gateway.admin, { api_base: 'https://1.1.1.1' });
    expect(status).toBe(200);
    await grantOn(gateway.admin, alice, 'gateway_secret', theirs, 'USE');
    expect((await define(alice, theirs, 'openai'))[0]).toBe(403);
    expect((await define(gateway.admin, theirs, 'openai'))[0]).toBe(200);
  });
});

describe('in front of MLflow 3.8, which takes settings as text', () => {
  const { alice } = useVersion('3.8.1');

  test.each(STEERING)('a secret has none that chooses a host: %j %j', async (settings, value) => {
    const text = { auth_config: undefined, auth_config_json: JSON.stringify(settings) };
    expect((await newSecret(alice, {}, value, text))[0]).toBe(403);
  });
});

describe('from MLflow 3.17 on', () => {
  const { gateway, alice } = useVersion(STARTED);

  test.each([
    'http://127.0.0.1:5000',
    'https://127.0.0.1',
    'https://localhost',
    'https://0x7f000001',
    'https://127.1',
    'https://[::1]',
    'https://[::ffff:127.0.0.1]',
    'https://10.0.0.1',
    'https://169.254.169.254',
    'https://1.1.1.1@127.0.0.1',
    'http://1.1.1.1',
  ])('MLflow refuses what is not public by itself: %s', async (api_base) => {
    expect((await newSecret(alice, { api_base }))[0]).toBe(400);
    expect((await newSecret(gateway.admin, { api_base }))[0]).toBe(400);
  });

  test('a public host is called where MLflow follows no redirect, and nowhere else', async () => {
    const [status, secret] = await newSecret(
      alice,
      { api_base: 'https://1.1.1.1' },
      { ...KEY, client_secret: 'x' },
    );
    expect(status).toBe(200);
    for (const provider of ['openai', 'azure', 'anthropic', 'groq', 'portkey']) {
      expect([provider, (await define(alice, secret, provider))[0]]).toEqual([provider, 200]);
    }
    for (const provider of [
      'databricks',
      'OpenAI',
      'together_ai',
      'hosted_vllm',
      'bedrock',
      'custom_openai',
    ]) {
      expect([provider, (await define(alice, secret, provider))[0]]).toEqual([provider, 403]);
    }
    // Nor by a later change, of the definition or of the secret.
    const [, plain] = await newSecret(alice, {});
    const [, definition] = await define(alice, plain, 'together_ai');
    const change = { model_definition_id: definition, secret_id: secret };
    expect((await alice.post(`${AI}/model-definitions/update`, change)).status).toBe(403);
    const resettled = { secret_id: plain, auth_config: { api_base: 'https://1.1.1.1' } };
    expect((await alice.post(`${AI}/secrets/update`, resettled)).status).toBe(403);
    const [, native] = await newSecret(alice, {});
    await define(alice, native, 'groq');
    expect((await alice.post(`${AI}/secrets/update`, { ...resettled, secret_id: native })).status).toBe(200);
  });

  test('a job, which follows redirects, is sent to no host that a user has named', async () => {
    await grantOn(gateway.admin, alice, 'gateway_endpoint', '*', 'USE');
    const experiment_id = await createExperiment(alice);
    const [, secret_id] = await newSecret(alice, { api_base: 'https://1.1.1.1' });
    const [, plain] = await newSecret(alice, {});
    const detect = async (json: Map) =>
      (
        await alice.post('/ajax-api/3.0/mlflow/issues/invoke', {
          experiment_id,
          trace_ids: [],
          categories: [],
          provider: 'openai',
          model: 'a-model',
          ...json,
        })
      ).status;
    expect(await detect({ secret_id })).toBe(403);
    expect(await detect({ secret_id: plain, model: 'https://elsewhere.example' })).toBe(403);
    // MLflow refuses a job about nothing.
    expect(await detect({ secret_id: plain })).toBe(400);
  });
});
