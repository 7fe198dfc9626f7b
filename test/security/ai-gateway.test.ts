/** What the AI gateway of MLflow reads and writes on its own account, named by a caller who makes an endpoint or a scorer. */
import { beforeEach, describe, expect, test } from 'vitest';
import { NO_RELEASE } from '../support/fake-upstream.ts';
import { createExperiment, grant, grantOn, type Person, unique } from '../support/gateway.ts';
import { NEWEST } from '../support/mlflow.ts';
import { newNeighbours } from '../support/neighbours.ts';
import { newTraceId, startTrace } from '../support/traces.ts';
import { useGateway } from '../support/use-gateway.ts';

const A3 = '/api/3.0/mlflow';
const AI = `${A3}/gateway`;

let alice: Person;
let bob: Person;
let alices: string;
let definition: string;

// Requests may have the fields of every version, those of MLflow 3.8 too.
const { gateway } = useGateway({
  version: NEWEST,
  says: NO_RELEASE,
  settings: { ai_gateway_allowed_hosts: '1.1.1.1' },
});

beforeEach(async () => {
  ({ alice, bob, alices } = await newNeighbours(gateway));
  const secret = await bob.post(`${AI}/secrets/create`, {
    secret_name: unique('secret'),
    secret_value: { api_key: 'a-key' },
    provider: 'openai',
  });
  const made = await bob.post(`${AI}/model-definitions/create`, {
    name: unique('definition'),
    secret_id: secret.json.secret.secret_id,
    provider: 'openai',
    model_name: 'a-model',
  });
  definition = made.json.model_definition.model_definition_id;
});

const newEndpoint = (name: string, more: Record<string, unknown> = {}, by: Person = bob) =>
  by.post(`${AI}/endpoints/create`, {
    name,
    model_configs: [{ model_definition_id: definition, linkage_type: 'PRIMARY', weight: 1 }],
    ...more,
  });

describe('an endpoint whose calls are logged to the experiment of its name', () => {
  test('finds none that anybody but an admin has made, also if an admin makes the endpoint', async () => {
    const name = unique('endpoint');
    const own = await createExperiment(alice);
    const asDatabasesFindIt = [
      ...[
        'Gateway',
        'gätewáy',
        'ga\u0301teway',
        'ｇａｔｅｗａｙ',
        'gate\u00adway',
        '\u200bgateway',
        'gatewaỿ',
      ],
      ...['gateway\u200d', ' gateway', '\ufeffgateway'],
    ].map((written) => `${written}/${name}`);
    for (const trap of [
      `gateway/${name}`,
      ...asDatabasesFindIt,
      `gateway／${name}`,
      `gateway\u0338/${name}`,
    ]) {
      const { status, text } = await alice.post('/api/2.0/mlflow/experiments/create', { name: trap });
      expect(status, text).toBe(403);
      const renamed = { experiment_id: own, new_name: trap };
      expect((await alice.post('/api/2.0/mlflow/experiments/update', renamed)).status).toBe(403);
    }
    await createExperiment(alice, unique('gateway'));
    const { json } = await newEndpoint(name, {}, gateway.admin);
    const { experiment_id } = json.endpoint;
    const seen = await alice.get(`/api/2.0/mlflow/experiments/get?experiment_id=${experiment_id}`);
    expect(seen.status).toBe(403);
  });

  test('does not take one that another user has made', async () => {
    const name = unique('endpoint');
    const trap = await createExperiment(gateway.admin, `gateway/${name}`);
    expect((await newEndpoint(name)).status).toBe(403);
    expect((await newEndpoint(name, { usage_tracking: true })).status).toBe(403);
    expect((await newEndpoint(name, { experimentId: trap })).status).toBe(403);
    await grant(gateway.admin, bob, { experiment: trap }, 'READ');
    expect((await newEndpoint(name)).status).toBe(403);
    expect((await bob.get(`${AI}/endpoints/list`)).json.endpoints ?? []).toEqual([]);
  });

  test('takes one that its maker may write to, a new one, or none', async () => {
    const name = unique('endpoint');
    const own = await createExperiment(gateway.admin, `gateway/${name}`);
    await grant(gateway.admin, bob, { experiment: own }, 'EDIT');
    const [taken, made, none] = [
      await newEndpoint(name),
      await newEndpoint(unique('endpoint')),
      await newEndpoint(unique('endpoint'), { usage_tracking: false }),
    ];
    expect([taken.status, made.status, none.status]).toEqual([200, 200, 200]);
    expect(taken.json.endpoint.experiment_id).toBe(own);
    expect(made.json.endpoint.experiment_id).toBeDefined();
    expect(none.json.endpoint.experiment_id).toBeUndefined();
  });

  test('does not take one by a later change either', async () => {
    const [name, newName] = [unique('endpoint'), unique('endpoint')];
    await createExperiment(gateway.admin, `gateway/${name}`);
    await createExperiment(gateway.admin, `gateway/${newName}`);
    const { endpoint } = (await newEndpoint(name, { usage_tracking: false })).json;
    const change = (json: Record<string, unknown>) =>
      bob.post(`${AI}/endpoints/update`, { endpoint_id: endpoint.endpoint_id, ...json });
    expect((await change({ usage_tracking: true })).status).toBe(403);
    expect((await change({ usage_tracking: true, name: newName })).status).toBe(403);
    expect((await change({ name: newName })).status).toBe(200);
    expect((await change({ usage_tracking: true })).status).toBe(403);
    expect((await change({ usage_tracking: true, name: unique('endpoint') })).status).toBe(200);
    // It logs to an experiment now: the one of its name is not looked for.
    expect((await change({ usage_tracking: true, name })).status).toBe(200);
  });
});

describe('a secret', () => {
  test('is sent elsewhere by a caller who manages it alone', async () => {
    const { secret } = (
      await bob.post(`${AI}/secrets/create`, {
        secret_name: unique('secret'),
        secret_value: { api_key: 'a-key' },
        provider: 'openai',
      })
    ).json;
    await grantOn(bob, alice, 'gateway_secret', secret.secret_id, 'EDIT');
    const update = (by: Person, json: Record<string, unknown>) =>
      by.post(`${AI}/secrets/update`, { secret_id: secret.secret_id, ...json });
    const elsewhere = { api_base: 'https://1.1.1.1' };
    expect((await update(alice, { auth_config: elsewhere })).status).toBe(403);
    expect((await update(alice, { authConfig: elsewhere })).status).toBe(403);
    expect((await update(alice, { auth_config: elsewhere, secret_value: { api_key: 'mine' } })).status).toBe(
      403,
    );
    expect((await update(alice, { secret_value: { api_key: 'another' } })).status).toBe(200);
    expect((await update(bob, { auth_config: elsewhere })).status).toBe(200);
  });
});

describe('what MLflow 3.8 calls otherwise', () => {
  const newSecret = async () => {
    const asked = { secret_name: unique('secret'), secret_value: { api_key: 'a-key' }, provider: 'openai' };
    return (await bob.post(`${AI}/secrets/create`, asked)).json.secret.secret_id as string;
  };

  test('is judged alike: where a secret is sent', async () => {
    const secret_id = await newSecret();
    await grantOn(bob, alice, 'gateway_secret', secret_id, 'EDIT');
    const update = async (by: Person, json: Record<string, unknown>) =>
      (await by.post(`${AI}/secrets/update`, { secret_id, ...json })).status;
    const auth_config_json = '{"api_base":"https://1.1.1.1"}';
    expect(await update(alice, { secret_value: { api_key: 'another' } })).toBe(200);
    expect(await update(alice, { auth_config_json })).toBe(403);
    expect(await update(alice, { authConfigJson: auth_config_json })).toBe(403);
    expect(await update(bob, { auth_config_json })).toBe(200);
    const both = { auth_config: { api_base: 'https://1.1.1.1' }, auth_config_json };
    expect(await update(bob, both)).toBe(400);
    expect(await update(bob, { auth_config_json: '{"aws_profile_name":"x"}' })).toBe(403);
  });

  test('is judged alike: what an endpoint is built from', async () => {
    const create = async (by: Person) =>
      (await by.post(`${AI}/endpoints/create`, { name: unique('e'), model_definition_ids: [definition] }))
        .status;
    expect(await create(alice)).toBe(403);
    expect(await create(bob)).not.toBeOneOf([401, 403]);
    const { endpoint } = (await newEndpoint(unique('endpoint'), { usage_tracking: false })).json;
    await grantOn(bob, alice, 'gateway_endpoint', endpoint.endpoint_id, 'EDIT');
    const attach = async (by: Person) =>
      (
        await by.post(`${AI}/endpoints/models/attach`, {
          endpoint_id: endpoint.endpoint_id,
          model_definition_id: definition,
        })
      ).status;
    expect(await attach(alice)).toBe(403);
    expect(await attach(bob)).not.toBeOneOf([401, 403]);
  });
});

describe('a model is called with the key of its secret, not with one of the server', () => {
  const KEY = { api_key: 'a-key' };
  const AWS = { aws_access_key_id: 'an-id', aws_secret_access_key: 'a-key' };
  const newSecret = async (
    secret_value: Record<string, string>,
    auth_config: Record<string, string> = {},
  ) => {
    const asked = { secret_name: unique('secret'), secret_value, auth_config, provider: 'openai' };
    const made = await alice.post(`${AI}/secrets/create`, asked);
    return [made.status, made.json.secret?.secret_id] as const;
  };
  const define = async (secret_id: string, provider: string) => {
    const asked = { name: unique('definition'), secret_id, provider, model_name: 'a-model' };
    const made = await alice.post(`${AI}/model-definitions/create`, asked);
    return [made.status, made.json.model_definition?.model_definition_id] as const;
  };

  test.each([
    ['openai', KEY, {}],
    ['groq', KEY, { api_base: 'https://1.1.1.1' }],
    ['portkey', { ...KEY, portkey_config: '{}' }, {}],
    ['bedrock', KEY, { aws_region_name: 'eu-west-1' }],
    ['amazon-bedrock', AWS, { auth_mode: 'access_keys' }],
    ['sagemaker', AWS, { auth_mode: 'iam_role', aws_role_name: 'a-role' }],
    ['vertex_ai', { vertex_credentials: '{"type":"service_account"}' }, { vertex_project: 'a-project' }],
    ['databricks', KEY, { api_base: 'https://1.1.1.1' }],
    ['databricks', { client_secret: 'a-key' }, { auth_mode: 'oauth_m2m', client_id: 'an-id' }],
  ])('which may be of %s: %j with %j', async (provider, value, settings) => {
    const [status, secret] = await newSecret(value, settings);
    expect(status).toBe(200);
    expect((await define(secret, provider))[0]).toBe(200);
  });

  test.each([
    ['openai', { provider_api_key: 'x' }, {}],
    ['text-completion-openai', { provider_api_key: 'x' }, { api_base: 'https://1.1.1.1' }],
    ['together_ai', AWS, {}],
    ['bedrock', KEY, { auth_mode: 'default_chain' }],
    ['bedrock', { ...KEY, ...AWS }, { auth_mode: 'iam_role', aws_role_name: 'a-role' }],
    ['bedrock', { provider_api_key: 'x' }, {}],
    ['Bedrock_Converse', KEY, { auth_mode: 'access_keys' }],
    ['sagemaker', KEY, {}],
    ['vertex_ai', KEY, { vertex_location: 'eu' }],
    ['vertex_ai_beta', KEY, {}],
    ['databricks', { provider_api_key: 'x' }, { api_base: 'https://1.1.1.1' }],
    ['databricks-model-serving', KEY, { auth_mode: 'oauth_m2m', client_id: 'an-id' }],
  ])('which is none of %s: %j with %j', async (provider, value, settings) => {
    const [status, secret] = await newSecret(value, settings);
    expect(status).toBe(200);
    expect((await define(secret, provider))[0]).toBe(403);
    // Nor by a later change: of the definition, …
    const [, own] = await newSecret(KEY);
    const [, plain] = await define(own, 'openai');
    const update = async (change: Record<string, unknown>) =>
      (await alice.post(`${AI}/model-definitions/update`, { model_definition_id: plain, ...change })).status;
    expect(await update({ secret_id: secret, provider })).toBe(403);
    expect(await update({ model_name: 'another' })).toBe(200);
    expect(await update({ secretId: own })).toBe(200);
    // … or of the secret.
    const good = [KEY, AWS, { vertex_credentials: '{}' }, { client_secret: 'x' }];
    const [, full] = await newSecret(Object.assign({}, ...good));
    if ((await define(full, provider))[0] !== 200) {
      throw new Error(`${provider} has no good secret`);
    }
    const change = async (json: Record<string, unknown>) =>
      (await alice.post(`${AI}/secrets/update`, { secret_id: full, ...json })).status;
    const emptied = { secret_value: value, auth_config: { auth_mode: 'api_key', ...settings } };
    expect(await change(emptied)).toBe(403);
    expect(await change({ secretValue: Object.assign({}, ...good) })).toBe(200);
  });

  test.each([
    { api_key: '' },
    { api_key: ' ' },
    { api_key: '$OPENAI_API_KEY' },
    { ...KEY, provider_api_key: '/etc/passwd' },
    { api_key: '../key' },
    { vertex_credentials: '/etc/key.json' },
  ])('nor is it one that is empty, or is found on the server: %j', async (borrowed) => {
    expect((await newSecret(borrowed))[0]).toBe(403);
    expect((await newSecret({ ...AWS, aws_secret_access_key: '/a+key' }))[0]).toBe(200);
    const [, secret] = await newSecret(KEY);
    const change = { secret_id: secret, secret_value: borrowed };
    expect((await alice.post(`${AI}/secrets/update`, change)).status).toBe(403);
  });

  test.each([
    ['a file beside the server', { api_key: 'mlflow.db' }, {}],
    ['an artifact of a run', { api_key: `mlartifacts/1/${'a'.repeat(32)}/artifacts/key` }, {}],
    ['a variable, as a token', AWS, { aws_web_identity_token: 'MLFLOW_BACKEND_STORE_URI' }],
    ['a variable, among the values', { ...AWS, aws_web_identity_token: 'PATH' }, {}],
    ['a variable, as a key', { ...AWS, aws_access_key_id: 'os.environ/PATH' }, {}],
    ['a token of the machine', KEY, { azure_ad_token: 'oidc/file//etc/passwd' }],
    ['a profile', KEY, { aws_profile_name: 'default' }],
    ['a key file', KEY, { oci_key_file: '/etc/passwd' }],
    [
      'an account that reads a file',
      { vertex_credentials: '{"type":"external_account","credential_source":{"file":"/etc/passwd"}}' },
      {},
    ],
  ])('nor with %s: %j with %j', async (_what, value, settings) => {
    expect((await newSecret(value, settings))[0]).toBe(403);
    const [, own] = await newSecret(KEY);
    const changed = await alice.post(`${AI}/secrets/update`, {
      secret_id: own,
      secret_value: value,
      auth_config: settings,
    });
    expect(changed.status).toBe(403);
  });

  test('nor is the server’s key sent by a job to where a secret without one says', async () => {
    await grantOn(gateway.admin, alice, 'gateway_endpoint', '*', 'USE');
    const detect = async (value: Record<string, string>) => {
      const [, secret_id] = await newSecret(value, { api_base: 'https://1.1.1.1' });
      const answer = await alice.post('/ajax-api/3.0/mlflow/issues/invoke', {
        experiment_id: alices,
        // MLflow refuses a job about nothing.
        trace_ids: [],
        categories: [],
        provider: 'azure',
        model: 'a-model',
        secret_id,
      });
      return [answer.status, answer.text].join(' ');
    };
    expect(await detect({ provider_api_key: 'x' })).toMatch(/^403 .*own key could be sent/);
    expect(await detect(KEY)).toMatch(/^400 /);
  });

  test('but for those who may use all endpoints', async () => {
    const [, secret] = await newSecret(KEY, { auth_mode: 'default_chain' });
    expect((await define(secret, 'bedrock'))[0]).toBe(403);
    const granted = await gateway.admin.post(`${A3}/users/permissions/grant`, {
      username: alice.username,
      resource_type: 'gateway_endpoint',
      resource_id: '*',
      permission: 'USE',
    });
    expect(granted.status).toBe(200);
    expect((await define(secret, 'bedrock'))[0]).toBe(200);
  });
});

describe('a call of an endpoint', () => {
  test.each([
    'api_base',
    'base_url',
    'model_list',
    'fallbacks',
    'custom_llm_provider',
    'aws_sts_endpoint',
    'aws_web_identity_token',
    'vertex_location',
    'extra_headers',
    'model_id',
  ])('does not say where the key of the endpoint is sent: %s', async (setting) => {
    const { endpoint } = (await newEndpoint(unique('endpoint'), { usage_tracking: false })).json;
    const granted = await bob.post(`${A3}/users/permissions/grant`, {
      username: alice.username,
      resource_type: 'gateway_endpoint',
      resource_id: endpoint.endpoint_id,
      permission: 'USE',
    });
    expect(granted.status).toBe(200);
    for (const [path, body] of [
      [`/gateway/${endpoint.name}/mlflow/invocations`, {}],
      ['/gateway/mlflow/v1/chat/completions', { model: endpoint.name }],
      ['/gateway/openai/v1/embeddings', { model: endpoint.name }],
      [`/gateway/gemini/v1beta/models/${endpoint.name}:generateContent`, {}],
    ] as const) {
      const call = (more: Record<string, unknown>) => alice.post(path, { ...body, ...more });
      expect([path, (await call({ [setting]: 'https://elsewhere.example' })).status]).toEqual([path, 403]);
      // Allowed, and refused by MLflow as a call of nothing.
      expect([path, (await call({})).status]).toEqual([path, expect.not.toBeOneOf([200, 401, 403])]);
    }
  });
});

describe('a scorer', () => {
  const shapes = (model: string) => [
    { instructions_judge_pydantic_data: { instructions: 'Rate {{ outputs }}.', model } },
    { builtin_scorer_class: 'Safety', builtin_scorer_pydantic_data: { name: 'safety', model } },
    {
      memory_augmented_judge_data: {
        base_judge: { instructions_judge_pydantic_data: { instructions: 'Rate {{ outputs }}.', model } },
      },
    },
  ];
  const serialized = (shape: Record<string, unknown>) =>
    JSON.stringify({
      mlflow_version: '3.17.2',
      serialization_version: 1,
      name: 'judge',
      aggregations: [],
      ...shape,
    });

  test('calls only endpoints that a caller who registers it may use, and tells nothing of others', async () => {
    const { endpoint } = (await newEndpoint(unique('endpoint'), { usage_tracking: false })).json;
    const register = (shape: Record<string, unknown>) =>
      alice.post(`${A3}/scorers/register`, {
        experiment_id: alices,
        name: 'judge',
        serialized_scorer: serialized(shape),
      });
    for (const [model, status] of [
      [`gateway:/${endpoint.name}`, 403],
      [`gateway://${endpoint.name}`, 403],
      // A name that is free is told to everybody, as making an endpoint tells it too.
      ['gateway:/nonesuch', 404],
    ] as const) {
      for (const shape of shapes(model)) {
        expect([shape, (await register(shape)).status]).toEqual([shape, status]);
      }
    }
    await grantOn(bob, alice, 'gateway_endpoint', endpoint.endpoint_id, 'USE');
    const [judge = {}] = shapes(`gateway:/${endpoint.name}`);
    expect((await register(judge)).status).toBe(200);
    expect((await register(shapes('openai:/a-model')[0] ?? {})).status).toBe(200);
  });

  test('remembers only traces that a caller who registers it may read', async () => {
    const experiment_id = await createExperiment(alice);
    const own = await startTrace(alice, experiment_id);
    const foreign = await startTrace(bob, await createExperiment(bob));
    const [judge] = shapes('openai:/a-model');
    const remembering = (episodic_trace_ids: unknown) => ({
      memory_augmented_judge_data: { base_judge: judge, episodic_trace_ids, semantic_memory: [] },
    });
    const register = async (shape: Record<string, unknown>) => {
      const serialized_scorer = serialized(shape);
      return (await alice.post(`${A3}/scorers/register`, { experiment_id, name: 'judge', serialized_scorer }))
        .status;
    };
    expect(await register(remembering([own]))).toBe(200);
    expect(await register(remembering([]))).toBe(200);
    expect(await register(remembering(null))).toBe(200);
    expect(await register(remembering([foreign]))).toBe(403);
    expect(await register(remembering([own, foreign]))).toBe(403);
    expect(await register(remembering([newTraceId()]))).toBe(403);
    for (const inner of [remembering([foreign]), { name: 'inner', ...remembering([foreign]) }]) {
      expect(await register({ memory_augmented_judge_data: { base_judge: inner } })).toBe(403);
      expect(await register({ ensemble_scorer_data: { scorers: [judge, inner] } })).toBe(403);
    }
    for (const odd of [foreign, { 0: foreign }, [[foreign]], [`${foreign} `], [`trace:/x/${foreign}`], [7]]) {
      expect([odd, await register(remembering(odd))]).toEqual([odd, odd === foreign ? 403 : 400]);
    }
  });

  test('is refused where it could be read in two ways', async () => {
    for (const serialized_scorer of [
      '{"a":{"model":"gateway:/x","model":"openai:/y"}}',
      '"{}"',
      '[]',
      'no',
    ]) {
      const asked = { experiment_id: alices, name: 'judge', serialized_scorer };
      expect((await alice.post(`${A3}/scorers/register`, asked)).status).toBe(400);
    }
  });

  test.each([
    ['inference_params', { api_base: 'http://elsewhere.example' }],
    ['inference_params', { base_url: 'http://elsewhere.example' }],
    ['inference_params', { fallbacks: [{ model: 'openai/a-model', api_base: 'http://elsewhere.example' }] }],
    ['inference_params', { model: 'another-endpoint' }],
    ['inference_params', { headers: { 'X-MLflow-Guardrail-Bypass': '1' } }],
    ['extra_headers', { 'X-MLflow-Guardrail-Bypass': '1' }],
  ])('does not send the keys of the server elsewhere: %s %j', async (setting, value) => {
    const register = (by: Person, scorer: Record<string, unknown>) =>
      by.post(`${A3}/scorers/register`, {
        experiment_id: alices,
        name: 'judge',
        serialized_scorer: serialized(scorer),
      });
    const [judge] = shapes('openai:/a-model');
    const steered = {
      instructions_judge_pydantic_data: { ...judge?.instructions_judge_pydantic_data, [setting]: value },
    };
    const nested = { ensemble_scorer_data: { scorers: [{ name: 'inner', ...steered }] } };
    expect((await register(alice, steered)).status).toBe(403);
    expect((await register(alice, nested)).status).toBe(403);
    expect((await register(gateway.admin, steered)).status).toBe(200);
    const plain = { ...judge?.instructions_judge_pydantic_data, inference_params: { temperature: 0 } };
    const harmless = { instructions_judge_pydantic_data: { ...plain, extra_headers: null } };
    expect((await register(alice, harmless)).status).toBe(200);
  });

  test.each([
    [403, { module: 'mlflow.genai.scorers.ragas.abc123.artifacts.evil' }],
    [403, { module: 'os' }],
    [403, { class: 'create_ragas_model' }],
    [403, { metric_name: 'util.subprocess' }],
    [403, { kwargs: { metric_name: 'util.subprocess' } }],
    [403, { kwargs: [['metric_name', 'x']] }],
    [403, { kwargs: { completion_kwargs: { aws_sts_endpoint: 'http://elsewhere.example' } } }],
    [200, { module: 'mlflow.genai.scorers.deepeval.scorers.rag_metrics' }],
    [200, { metric_name: 'tool_calling', kwargs: null }],
  ])('of another library is a scorer of it: %d for %j', async (status, change) => {
    const described = {
      module: 'mlflow.genai.scorers.ragas',
      class: 'Faithfulness',
      metric_name: 'Faithfulness',
      model: 'openai:/a-model',
      kwargs: { threshold: 0.5 },
    };
    const answer = await alice.post(`${A3}/scorers/register`, {
      experiment_id: alices,
      name: 'judge',
      serialized_scorer: serialized({ third_party_scorer_data: { ...described, ...change } }),
    });
    expect(answer.status, answer.text).toBe(status);
  });

  test.each([
    { gepa_kwargs: { run_dir: '/tmp' } },
    { lm_kwargs: { api_base: 'http://elsewhere.example' } },
    { lm_kwargs: { model: 'another' } },
    { reflection_model: 'gateway:/nonesuch' },
  ])(
    'nor does the optimizer of a prompt, or a model of it that is not one’s to use: %j',
    async (settings) => {
      const prompt = unique('prompt');
      const tags = [{ key: 'mlflow.prompt.is_prompt', value: 'true' }];
      const made = await alice.post('/api/2.0/mlflow/registered-models/create', { name: prompt, tags });
      expect(made.status).toBe(200);
      await grantOn(gateway.admin, alice, 'gateway_endpoint', '*', 'USE');
      const answer = await alice.post(`${A3}/prompt-optimization/jobs`, {
        experiment_id: alices,
        source_prompt_uri: `prompts:/${prompt}/1`,
        config: {
          optimizer_type: 'OPTIMIZER_TYPE_METAPROMPT',
          optimizer_config_json: JSON.stringify({ reflection_model: 'openai:/a-model', ...settings }),
        },
      });
      expect(answer.status).toBe('reflection_model' in settings ? 404 : 403);
    },
  );

  test('that a job runs calls no endpoint that is denied to a caller who starts it', async () => {
    const { endpoint } = (await newEndpoint(unique('endpoint'), { usage_tracking: false })).json;
    await grantOn(gateway.admin, alice, 'gateway_endpoint', '*', 'USE');
    await grantOn(gateway.admin, alice, 'gateway_endpoint', endpoint.endpoint_id, 'DENY');
    const [judge = {}] = shapes(`gateway:/${endpoint.name}`);
    const [free = {}] = shapes('openai:/a-model');
    const trace_ids = [`tr-${'0'.repeat(32)}`];
    const ajax = (path: string, json: unknown) => alice.post(`/ajax-api/3.0/mlflow/${path}`, json);
    const one = (shape: Record<string, unknown>) => ({
      experiment_id: alices,
      trace_ids,
      serialized_scorer: serialized(shape),
    });
    const several = (...each: Record<string, unknown>[]) => ({
      experiment_id: alices,
      trace_ids,
      serialized_scorers: each.map(serialized),
    });
    expect((await ajax('scorer/invoke', one(judge))).status).toBe(403);
    expect((await ajax('genai/evaluate/invoke', several(free, judge))).status).toBe(403);
  });
});
