import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRun, grant, type Person, unique } from '../support/gateway.ts';
import { MLFLOW_VERSIONS, runPython } from '../support/mlflow.ts';
import { useNeighbours } from '../support/use-gateway.ts';

describe.each(MLFLOW_VERSIONS)('addresses that MLflow %s reads from later', (version) => {
  let storage: string;
  let alicesRun: string;
  let bobsRun: string;
  let alicesModel: string;
  let bobsModel: string;

  const { gateway, alice, bob, homes } = useNeighbours(version);
  beforeAll(async () => {
    storage = mkdtempSync(join(tmpdir(), 'storage-'));
    alicesRun = await createRun(alice, homes.alice);
    bobsRun = await createRun(bob, homes.bob);
    alicesModel = await newModel(alice);
    bobsModel = await newModel(bob);
    for (const [who, run] of [
      [alice, alicesRun],
      [bob, bobsRun],
    ] as const) {
      const sent = { raw: `secret of ${who.username}`, headers: { 'content-type': 'text/plain' } };
      const path = `/ajax-api/2.0/mlflow/upload-artifact?run_uuid=${run}&path=model/secret.txt`;
      expect((await who.send('POST', path, sent)).status).toBe(200);
    }
  });
  afterAll(async () => {
    await gateway.close();
    rmSync(storage, { recursive: true, force: true });
  });

  async function newModel(by: Person, name = unique('model')): Promise<string> {
    const { status, text } = await by.post('/api/2.0/mlflow/registered-models/create', { name });
    if (status !== 200) {
      throw new Error(text);
    }
    return name;
  }

  const newVersion = (by: Person, json: Readonly<Record<string, unknown>>) =>
    by.post('/api/2.0/mlflow/model-versions/create', json);

  test('a version of a model is made from files one may read, and read back', async () => {
    const name = await newModel(alice);
    const made = await newVersion(alice, { name, source: `runs:/${alicesRun}/model`, run_id: alicesRun });
    expect([made.status, made.text]).toEqual([200, made.text]);
    const files = `mlflow-artifacts:/${homes.alice}/${alicesRun}/artifacts/model`;
    const second = await newVersion(alice, { name, source: files, run_id: alicesRun });
    expect([second.status, second.text]).toEqual([200, second.text]);
    const read = `/model-versions/get-artifact?name=${name}&version=2&path=secret.txt`;
    const answer = await alice.get(read);
    expect([answer.status, answer.text]).toEqual([200, `secret of ${alice.username}`]);
    expect((await bob.get(read)).status).toBe(403);
  });

  test('no source reaches files that one may not read', async () => {
    const foreign = `${homes.bob}/${bobsRun}/artifacts`;
    await newVersion(bob, { name: bobsModel, source: `runs:/${bobsRun}/model`, run_id: bobsRun });
    const sources = [
      `runs:/${bobsRun}/model`,
      `runs:/${bobsRun}`,
      `RUNS:/${bobsRun}/model`,
      `runs:/${alicesRun}/../${bobsRun}/artifacts/model`,
      `runs:/${alicesRun}/%2e%2e/${bobsRun}`,
      `runs:/${alicesRun}#/../${bobsRun}`,
      `runs:///${bobsRun}/model`,
      `models:/${bobsModel}/1`,
      `models:/${bobsModel}/latest`,
      `models:/${bobsModel}/None`,
      `models:/${bobsModel}@champion`,
      `models:/${alicesModel}@x/../${bobsModel}/1`,
      `mlflow-artifacts:/${foreign}/model`,
      `mlflow-artifacts:${foreign}/model`,
      `mlflow-artifacts:///${foreign}/model`,
      `mlflow-artifacts://localhost/${foreign}/model`,
      `mlflow-artifacts:/${homes.alice}/../${foreign}`,
      `mlflow-artifacts:/${homes.alice}/%2e%2e/${foreign}`,
      `mlflow-artifacts:/${homes.alice}/%252e%252e/${foreign}`,
      'mlflow-artifacts:/',
      'mlflow-artifacts:',
      'mlflow-artifacts:/.',
      `MLFLOW-ARTIFACTS:/${foreign}/model`,
      ` mlflow-artifacts:/${foreign}/model`,
      'file:///etc',
      'file:/etc',
      '/etc',
      'etc',
      '.',
      `${storage}`,
      's3://bucket/key',
      'gs://bucket/key',
      'dbfs:/x',
      'http://127.0.0.1/x',
      'https://169.254.169.254/latest',
      'hdfs://host/x',
    ];
    for (const source of sources) {
      for (const more of [{}, { run_id: alicesRun }, { run_id: bobsRun }, { runId: bobsRun }]) {
        const { status } = await newVersion(alice, { name: alicesModel, source, ...more });
        expect([source, more, status >= 400 && status < 500]).toEqual([source, more, true]);
      }
    }
    const { text } = await alice.get(`/api/2.0/mlflow/model-versions/search?filter=name%3D'${alicesModel}'`);
    expect(text).not.toContain('source');
  });

  test('a name that begins like the name of a foreign model does not stand for it', async () => {
    const name = unique('long');
    await newModel(bob, `${name}@x`);
    await newModel(alice, name);
    for (const source of [`models:/${name}@x/1`, `models:/${name}@x@champion`]) {
      expect((await newVersion(alice, { name: alicesModel, source })).status).toBe(403);
    }
  });

  test('a version cannot be made from a foreign run by saying that it is so', async () => {
    const source = `mlflow-artifacts:/${homes.alice}/${alicesRun}/artifacts/model`;
    for (const more of [{ run_id: bobsRun }, { runId: bobsRun }]) {
      expect((await newVersion(alice, { name: alicesModel, source, ...more })).status).toBe(403);
    }
  });

  test('only an admin says where the files of an experiment lie', async () => {
    for (const location of [`mlflow-artifacts:/${homes.bob}`, 'file:///etc', '/etc', 's3://bucket', 'x']) {
      for (const json of [
        { name: unique('e'), artifact_location: location },
        { name: unique('e'), artifactLocation: location },
      ]) {
        expect((await alice.post('/api/2.0/mlflow/experiments/create', json)).status).toBe(403);
      }
    }
    const empty = { name: unique('e'), artifact_location: '' };
    expect((await alice.post('/api/2.0/mlflow/experiments/create', empty)).status).toBe(200);
  });

  test.each(['file', 's3'])(
    'where the server hands out addresses of its own (%s), those of a run are taken',
    async (kind) => {
      const root = kind === 'file' ? storage : `s3://${unique('bucket')}/root`;
      const asked = { name: unique('stored'), artifact_location: root };
      const { json } = await gateway.admin.post('/api/2.0/mlflow/experiments/create', asked);
      const experiment = json.experiment_id as string;
      await grant(gateway.admin, alice, { experiment }, 'EDIT');
      const run = await createRun(alice, experiment);
      const neighbour = await createRun(alice, experiment);
      const name = await newModel(alice);
      const uri = async (id: string) =>
        (await alice.get(`/api/2.0/mlflow/runs/get?run_id=${id}`)).json.run.info.artifact_uri as string;
      const made = await newVersion(alice, { name, source: `${await uri(run)}/model`, run_id: run });
      expect([made.status, made.text]).toEqual([200, made.text]);
      for (const source of [
        root,
        `${await uri(neighbour)}/model`,
        `${await uri(run)}/../../x`,
        `${await uri(run)}x`,
        `/${await uri(run)}/model`,
      ]) {
        const { status } = await newVersion(alice, { name, source, run_id: run });
        expect([source, status]).toEqual([source, 403]);
      }
      expect((await newVersion(alice, { name, source: `${await uri(run)}/model` })).status).toBe(403);
      const ofBob = { name: bobsModel, source: `${await uri(run)}/model`, run_id: run };
      expect((await newVersion(bob, ofBob)).status).toBe(403);
    },
  );

  test('the ways of the Python client to register a model still work', async () => {
    const name = unique('by-client');
    const out = await runPython(version, CLIENT, {
      MLFLOW_TRACKING_URI: gateway.url,
      MLFLOW_TRACKING_USERNAME: alice.username,
      MLFLOW_TRACKING_PASSWORD: alice.password,
      MLFLOW_HTTP_REQUEST_MAX_RETRIES: '1',
      NAME: name,
    });
    expect(JSON.parse(out.trim().split('\n').at(-1) ?? '')).toEqual(
      version.startsWith('2.') ? ['1', '2', '1', 'loaded'] : ['1', '2', '1', 'loaded', '3', '4', 'Say hello'],
    );
    const foreign = await runPython(version, FOREIGN, {
      MLFLOW_TRACKING_URI: gateway.url,
      MLFLOW_TRACKING_USERNAME: bob.username,
      MLFLOW_TRACKING_PASSWORD: bob.password,
      MLFLOW_HTTP_REQUEST_MAX_RETRIES: '1',
      NAME: name,
    });
    expect(foreign).toContain('Permission denied');
  });
});

const CLIENT = `
import json, os, mlflow
from mlflow import MlflowClient
name = os.environ["NAME"]
three = mlflow.__version__.startswith("3.")
mlflow.set_experiment(name)
class Model(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return "loaded"
client = MlflowClient()
seen = []
with mlflow.start_run() as run:
    where = {"name": "model"} if three else {"artifact_path": "model"}
    info = mlflow.pyfunc.log_model(python_model=Model(), pip_requirements=[], registered_model_name=name, **where)
seen.append(str(client.get_model_version(name, "1").version))
seen.append(str(mlflow.register_model(f"runs:/{run.info.run_id}/model", name).version))
seen.append(str(client.copy_model_version(f"models:/{name}/1", name + "-copy").version))
seen.append(mlflow.pyfunc.load_model(f"models:/{name}-copy/1").predict([1]))
if three:
    seen.append(str(mlflow.register_model(f"models:/{info.model_id}", name).version))
    seen.append(str(client.create_model_version(name, f"models:/{info.model_id}", model_id=info.model_id).version))
    mlflow.genai.register_prompt(name=name + "-prompt", template="Say {{ what }}")
    seen.append(mlflow.genai.load_prompt(f"prompts:/{name}-prompt/1").format(what="hello"))
print(json.dumps(seen))
`;

const FOREIGN = `
import os, mlflow
from mlflow import MlflowClient
name = os.environ["NAME"]
try:
    MlflowClient().copy_model_version(f"models:/{name}/1", name + "-mine")
except Exception as error:
    print(error)
`;
