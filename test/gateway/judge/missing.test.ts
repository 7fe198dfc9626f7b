/** A name that nobody has is a 404, as programs look before they create; one that is hidden is a 403; ids tell nothing. */
import { beforeAll, describe, expect, test } from 'vitest';
import { createExperiment, type Person, unique } from '../../support/gateway.ts';
import { MLFLOW_VERSIONS, runPython } from '../../support/mlflow.ts';
import { useGateway } from '../../support/use-gateway.ts';

const API_2 = '/api/2.0/mlflow';
const API_3 = '/api/3.0/mlflow';

type Ask = (who: Person, name: string) => ReturnType<Person['get']>;

const MODELS: readonly (readonly [string, Ask])[] = [
  ['registered-models/get', (who, name) => who.get(`${API_2}/registered-models/get?name=${name}`)],
  [
    'registered-models/alias',
    (who, name) => who.get(`${API_2}/registered-models/alias?name=${name}&alias=a`),
  ],
  ['registered-models/update', (who, name) => who.patch(`${API_2}/registered-models/update`, { name })],
  ['registered-models/delete', (who, name) => who.delete(`${API_2}/registered-models/delete`, { name })],
  [
    'registered-models/set-tag',
    (who, name) => who.post(`${API_2}/registered-models/set-tag`, { name, key: 'a', value: 'b' }),
  ],
  ['model-versions/get', (who, name) => who.get(`${API_2}/model-versions/get?name=${name}&version=1`)],
  [
    'model-versions/create',
    (who, name) => who.post(`${API_2}/model-versions/create`, { name, source: 's3://b/k' }),
  ],
  [
    'experiments/get-by-name',
    (who, name) => who.get(`${API_2}/experiments/get-by-name?experiment_name=${name}`),
  ],
];

const OF_MLFLOW_3: readonly (readonly [string, Ask])[] = [
  ['mcp-servers', (who, name) => who.get(`${API_3}/mcp-servers/space/${name}`)],
  ['mcp-servers/versions', (who, name) => who.get(`${API_3}/mcp-servers/space/${name}/versions`)],
  ['gateway/endpoints/get', (who, name) => who.get(`${API_3}/gateway/endpoints/get?name=${name}`)],
  [
    'chat/completions',
    (who, name) => who.post('/gateway/mlflow/v1/chat/completions', { model: name, messages: [] }),
  ],
  ['invocations', (who, name) => who.post(`/gateway/${name}/mlflow/invocations`, { messages: [] })],
  [
    'generateContent',
    (who, name) => who.post(`/gateway/gemini/v1beta/models/${name}:generateContent`, { contents: [] }),
  ],
];

describe.each(MLFLOW_VERSIONS)('in front of MLflow %s', (version) => {
  const taken = unique('taken');

  const { gateway, curious } = useGateway({ version, people: ['curious'] });
  beforeAll(async () => {
    const owner = await gateway.person('owner');
    const make = async (path: string, json: unknown) => {
      const made = await owner.post(path, json);
      expect(made.status, made.text).toBe(200);
      return made.json;
    };
    await createExperiment(owner, taken);
    await make(`${API_2}/registered-models/create`, { name: taken });
    if (version === '2.15.1') {
      return;
    }
    await make(`${API_3}/mcp-servers`, { name: `space/${taken}` });
    const { secret } = await make(`${API_3}/gateway/secrets/create`, {
      secret_name: taken,
      secret_value: { api_key: 'a-key' },
      provider: 'openai',
    });
    const { model_definition } = await make(`${API_3}/gateway/model-definitions/create`, {
      name: taken,
      secret_id: secret.secret_id,
      provider: 'openai',
      model_name: 'a-model',
    });
    const { model_definition_id } = model_definition;
    const model_configs = [{ model_definition_id, linkage_type: 'PRIMARY', weight: 1 }];
    await make(`${API_3}/gateway/endpoints/create`, { name: taken, model_configs });
  });

  test.each([...MODELS, ...(version === '2.15.1' ? [] : OF_MLFLOW_3)])('%s', async (_what, ask) => {
    const free = await ask(curious, unique('free'));
    expect([free.status, free.json.error_code], free.text).toEqual([404, 'RESOURCE_DOES_NOT_EXIST']);
    const hidden = await ask(curious, taken);
    expect([hidden.status, hidden.json.error_code], hidden.text).toEqual([403, 'PERMISSION_DENIED']);
  });

  test('the words are those of MLflow', async () => {
    const name = unique('free');
    for (const [what, ask] of [
      ...MODELS.slice(0, 1),
      ...(version === '2.15.1' ? [] : OF_MLFLOW_3.slice(0, 1)),
    ]) {
      const { message } = (await ask(curious, name)).json;
      expect(message, what).toBe((await ask(gateway.admin, name)).json.message);
    }
  });

  test('an id that nothing has is refused like one that is hidden', async () => {
    for (const [what, id] of [
      ['experiments/get?experiment_id=', '999999'],
      ['runs/get?run_id=', 'f'.repeat(32)],
    ]) {
      expect((await curious.get(`${API_2}/${what}${id}`)).status).toBe(403);
    }
  });

  test('a script that makes what is not there yet runs the first time', async () => {
    const script = `
import mlflow
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

client = MlflowClient()
try:
    client.get_registered_model("${unique('first')}")
except MlflowException as e:
    print(e.error_code)
if hasattr(mlflow, "genai"):
    print(mlflow.genai.load_prompt("${unique('prompt')}", allow_missing=True))
`;
    const printed = await runPython(version, script, {
      MLFLOW_TRACKING_URI: gateway.url,
      MLFLOW_TRACKING_USERNAME: curious.username,
      MLFLOW_TRACKING_PASSWORD: curious.password,
    });
    expect(printed.trim().split('\n')).toEqual([
      'RESOURCE_DOES_NOT_EXIST',
      ...(version === '2.15.1' ? [] : ['None']),
    ]);
  });
});
