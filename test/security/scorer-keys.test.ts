/**
 * What a scorer is run with: endpoints of the AI gateway that its caller may use, or the keys of the server. A scorer that
 * runs online is run as its newest version is, a caller who has put it there.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import { createExperiment, grant, grantOn, type Person, unique } from '../support/gateway.ts';
import { NEWEST } from '../support/mlflow.ts';
import { useGateway } from '../support/use-gateway.ts';

const A3 = '/api/3.0/mlflow';
const AI = `${A3}/gateway`;

type Data = Readonly<Record<string, unknown>>;

/** Owns the experiment and may use the endpoint. */
let alice: Person;
/** May edit the experiment, and use no endpoint. */
let eve: Person;
let experiment_id: string;
let model: string;

const { gateway } = useGateway({ version: NEWEST });

beforeEach(async () => {
  alice = await gateway.person('alice');
  eve = await gateway.person('eve');
  experiment_id = await createExperiment(alice);
  await grant(alice, eve, { experiment: experiment_id }, 'EDIT');
  const { admin } = gateway;
  const secret = await admin.post(`${AI}/secrets/create`, {
    secret_name: unique('secret'),
    secret_value: { api_key: 'a-key' },
    provider: 'openai',
  });
  const made = await admin.post(`${AI}/model-definitions/create`, {
    name: unique('definition'),
    secret_id: secret.json.secret.secret_id,
    provider: 'openai',
    model_name: 'a-model',
  });
  const { model_definition_id } = made.json.model_definition;
  const { endpoint } = (
    await admin.post(`${AI}/endpoints/create`, {
      name: unique('endpoint'),
      usage_tracking: false,
      model_configs: [{ model_definition_id, linkage_type: 'PRIMARY', weight: 1 }],
    })
  ).json;
  await grantOn(admin, alice, 'gateway_endpoint', endpoint.endpoint_id, 'USE');
  model = `gateway:/${endpoint.name}`;
});

const judgeOf = (named: string): Data => ({
  instructions_judge_pydantic_data: { instructions: 'Rate {{ outputs }}.', model: named },
});
const remembering = (base: Data, more: Data = {}): Data => ({
  memory_augmented_judge_data: {
    base_judge: { ...versions, name: 'inner', ...base },
    semantic_memory: [],
    ...more,
  },
});
const versions = { mlflow_version: NEWEST, serialization_version: 1 };
const serialized = (data: Data) => JSON.stringify({ ...versions, name: 'judge', aggregations: [], ...data });
const register = async (by: Person, data: Data) =>
  (
    await by.post(`${A3}/scorers/register`, {
      experiment_id,
      name: 'judge',
      serialized_scorer: serialized(data),
    })
  ).status;
const configure = async (by: Person, sample_rate: unknown) =>
  (
    await by.send('PUT', `${A3}/scorers/online-config`, {
      json: { experiment_id, name: 'judge', sample_rate },
    })
  ).status;
const removeVersion = async (by: Person, version: number) =>
  (await by.delete(`${A3}/scorers/delete`, { experiment_id, name: 'judge', version })).status;

describe('a scorer that runs online', () => {
  test('is put there by a caller who may use its endpoints, and stopped by a caller who may edit it', async () => {
    expect(await register(alice, judgeOf(model))).toBe(200);
    expect(await configure(eve, 0.5)).toBe(403);
    expect(await configure(alice, 0.5)).toBe(200);
    for (const rate of [0, '0', '0.0']) {
      expect([rate, await configure(eve, rate)]).toEqual([rate, 200]);
    }
    for (const rate of [1, '1', '0.5', '1e-9']) {
      expect([rate, await configure(eve, rate)]).toEqual([rate, 403]);
    }
  });

  test('is not put there with the keys of the server', async () => {
    expect(await register(alice, judgeOf('openai:/a-model'))).toBe(200);
    expect(await configure(alice, 0)).toBe(200);
    expect(await configure(alice, 0.5)).toBe(403);
    expect(await register(alice, remembering(judgeOf(model)))).toBe(200);
    expect(await configure(alice, 0.5)).toBe(403);
  });

  test('has no next version that calls with the keys of the server', async () => {
    expect(await register(alice, judgeOf(model))).toBe(200);
    expect(await register(alice, judgeOf('openai:/a-model'))).toBe(200);
    expect(await register(alice, judgeOf(model))).toBe(200);
    expect(await configure(gateway.admin, 1)).toBe(200);
    for (const data of [
      judgeOf('openai:/a-model'),
      remembering(judgeOf(model)),
      remembering(judgeOf(model), { reflection_lm: 'openai:/a-model', embedding_model: model }),
      remembering(judgeOf(model), { reflection_lm: model, embedding_model: 'openai:/a-model' }),
      { ensemble_scorer_data: { scorers: [judgeOf(model), judgeOf('openai:/a-model')] } },
      { builtin_scorer_class: 'Safety', builtin_scorer_pydantic_data: { name: 'safety' } },
      { ...judgeOf(model), ...remembering(judgeOf(model)) },
    ]) {
      expect([data, await register(alice, data)]).toEqual([data, 403]);
    }
    expect(await register(alice, judgeOf(model))).toBe(200);
    const plain = remembering(judgeOf(model), { reflection_lm: model, embedding_model: model });
    expect(await register(alice, plain)).toBe(200);
    await grantOn(gateway.admin, alice, 'gateway_endpoint', '*', 'USE');
    expect(await register(alice, judgeOf('openai:/a-model'))).toBe(200);
  });

  test('has no older version made the newest that calls with them', async () => {
    expect(await register(alice, judgeOf('openai:/a-model'))).toBe(200);
    expect(await register(alice, judgeOf(model))).toBe(200);
    expect(await configure(gateway.admin, 1)).toBe(200);
    expect(await removeVersion(alice, 2)).toBe(403);
    expect(await removeVersion(alice, 1)).toBe(200);
    expect(await configure(alice, 0)).toBe(200);
    expect(await removeVersion(alice, 2)).toBe(200);
  });
});

describe('a job that runs scorers', () => {
  const start = async (path: string, json: Data) =>
    // MLflow refuses a job about nothing.
    (await alice.post(`/ajax-api/3.0/mlflow/${path}`, { experiment_id, trace_ids: [], ...json })).status;

  test('needs USE on their endpoints, or on all where they call anything else', async () => {
    const [own, direct] = [serialized(judgeOf(model)), serialized(judgeOf('openai:/a-model'))];
    const invoke = (serialized_scorer: string) => start('scorer/invoke', { serialized_scorer });
    const evaluate = (...serialized_scorers: string[]) =>
      start('genai/evaluate/invoke', { serialized_scorers });
    expect(await invoke(own)).toBe(400);
    expect(await invoke(direct)).toBe(403);
    expect(await evaluate(own, own)).toBe(400);
    expect(await evaluate(own, direct)).toBe(403);
  });

  test('is judged by the registered scorers that it names, in the place of those it shows', async () => {
    expect(await register(alice, judgeOf('openai:/a-model'))).toBe(200);
    expect(await register(alice, judgeOf(model))).toBe(200);
    const own = serialized(judgeOf(model));
    const invoke = (scorer_version: number) =>
      start('scorer/invoke', { serialized_scorer: own, scorer_name: 'judge', scorer_version });
    const evaluate = (...scorer_versions: (number | null)[]) =>
      start('genai/evaluate/invoke', {
        serialized_scorers: scorer_versions.map(() => own),
        scorer_versions,
      });
    expect(await invoke(1)).toBe(403);
    expect(await invoke(2)).toBe(400);
    expect(await evaluate(null, 1)).toBe(403);
    expect(await evaluate(null, 2)).toBe(400);
  });
});
