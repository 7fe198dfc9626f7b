import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type Person, unique } from '../support/gateway.ts';
import { isMlflow2, MLFLOW_VERSIONS, runPython } from '../support/mlflow.ts';
import { useGateway } from '../support/use-gateway.ts';

const API = '/api/2.0/mlflow';

/** What a data scientist runs, unchanged: only the tracking URI points at the gateway. */
const TRAINING = `
import json, os, mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag

names = json.loads(os.environ["NAMES"])
experiment = mlflow.set_experiment(names["experiment"])
assert mlflow.set_experiment(names["experiment"]).experiment_id == experiment.experiment_id
client = MlflowClient()

class Doubling(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return [2 * each for each in model_input]

with mlflow.start_run(run_name="fit") as run:
    mlflow.log_params({"depth": 3, "größe": "ä"})
    for step in range(5):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
    mlflow.log_metric("nan", float("nan"))
    mlflow.log_metric("big", 1.0, step=2**53 + 1)
    client.log_batch(
        run.info.run_id,
        metrics=[Metric(f"m{i}", i, 1, i) for i in range(300)],
        params=[Param(f"p{i}", str(i)) for i in range(50)],
        tags=[RunTag("stage", "test")],
    )
    mlflow.set_tag("note", "'quoted' \\"twice\\"")
    mlflow.log_text("hello ünïcode", "notes/a b.txt")
    mlflow.log_dict({"a": [1, 2]}, "data.json")
    model = mlflow.pyfunc.log_model(artifact_path="model", python_model=Doubling(), pip_requirements=[])

run_id = run.info.run_id
read = client.get_run(run_id)
assert read.data.params["größe"] == "ä", read.data.params
assert len(read.data.params) == 52, read.data.params
assert [m.value for m in client.get_metric_history(run_id, "loss")] == [1 / (s + 1) for s in range(5)]
assert client.get_metric_history(run_id, "big")[0].step == 2**53 + 1
assert read.data.metrics["nan"] != read.data.metrics["nan"]
assert [r.info.run_id for r in client.search_runs([experiment.experiment_id], "params.depth = '3'")] == [run_id]
assert names["experiment"] in [e.name for e in client.search_experiments(filter_string="name LIKE '%'")]
assert sorted(f.path for f in client.list_artifacts(run_id))[:1] == ["data.json"]
assert mlflow.artifacts.load_text(f"runs:/{run_id}/notes/a b.txt") == "hello ünïcode"

registered = mlflow.register_model(model.model_uri, names["model"])
version = registered.version
client.set_registered_model_alias(names["model"], "best", version)
client.set_model_version_tag(names["model"], version, "checked", "yes")
assert client.get_model_version_by_alias(names["model"], "best").version == version
assert [v.name for v in client.search_model_versions(f"name = '{names['model']}'")] == [names["model"]]
assert names["model"] in [m.name for m in client.search_registered_models()]
loaded = mlflow.pyfunc.load_model(f"models:/{names['model']}@best")
assert loaded.unwrap_python_model().predict(None, [1, 2]) == [2, 4]
path = mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="data.json", dst_path=os.environ["OUT"])
assert json.load(open(path)) == {"a": [1, 2]}
print(json.dumps({"experiment_id": experiment.experiment_id, "run_id": run_id}))
`;

/** What another user sees of it: every line that is refused prints its status. */
const PRYING = `
import json, os, mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

names, ids = json.loads(os.environ["NAMES"]), json.loads(os.environ["IDS"])
client = MlflowClient()

def status(ask):
    try:
        ask()
        return 200
    except MlflowException as error:
        return error.get_http_status_code()

print(json.dumps({
    "searched": [e.name for e in client.search_experiments()],
    "models": [m.name for m in client.search_registered_models()],
    "runs": len(client.search_runs([ids["experiment_id"]])),
    "experiment": status(lambda: client.get_experiment(ids["experiment_id"])),
    "byName": status(lambda: client.get_experiment_by_name(names["experiment"])),
    "setExperiment": status(lambda: mlflow.set_experiment(names["experiment"])),
    "freeName": client.get_experiment_by_name(names["experiment"] + "-free") is None,
    "run": status(lambda: client.get_run(ids["run_id"])),
    "artifacts": status(lambda: client.list_artifacts(ids["run_id"])),
    "download": status(lambda: mlflow.artifacts.load_text(f"runs:/{ids['run_id']}/notes/a b.txt")),
    "metric": status(lambda: client.log_metric(ids["run_id"], "loss", 1)),
    "model": status(lambda: client.get_registered_model(names["model"])),
    "delete": status(lambda: client.delete_experiment(ids["experiment_id"])),
}))
`;

describe.each(MLFLOW_VERSIONS)('a training script of MLflow %s', (version) => {
  const dir = mkdtempSync(join(tmpdir(), 'training-'));
  let ids: { experiment_id: string; run_id: string };
  const names = { experiment: unique('training'), model: unique('doubling') };

  const { gateway, first, second } = useGateway({ version, people: ['first', 'second'] });
  afterAll(() => rmSync(dir, { recursive: true }));

  const as = (who: Person, script: string, more: Record<string, string> = {}) =>
    python(version, gateway.url, who, script, { NAMES: JSON.stringify(names), OUT: dir, ...more });
  const prying = async (who: Person) =>
    JSON.parse(lastLine(await as(who, PRYING, { IDS: JSON.stringify(ids) }))) as Record<string, unknown>;

  test('runs from set_experiment to a loaded model', async () => {
    ids = JSON.parse(lastLine(await as(first, TRAINING)));
    expect(ids.run_id).toMatch(/^[0-9a-f]{32}$/);
  }, 180_000);

  test('leaves nothing that another user could see or touch', async () => {
    expect(await prying(second)).toEqual({
      searched: [],
      models: [],
      runs: 0,
      experiment: 403,
      byName: 403,
      setExperiment: 403,
      freeName: true,
      run: 403,
      artifacts: 403,
      download: 403,
      metric: 403,
      model: 403,
      delete: 403,
    });
  }, 120_000);

  test('is seen, not changed, by a user who is granted READ', async () => {
    await shareAs(version, gateway.url, first, [
      ['experiment', ids.experiment_id, second.username],
      ['registered_model', names.model, second.username],
    ]);
    expect(await prying(second)).toEqual({
      searched: [names.experiment],
      models: [names.model],
      runs: 1,
      experiment: 200,
      byName: 200,
      setExperiment: 200,
      freeName: true,
      run: 200,
      artifacts: 200,
      download: 200,
      metric: 403,
      model: 200,
      delete: 403,
    });
  }, 120_000);

  test('is all there for the admin, who also lists everybody', async () => {
    const { admin } = gateway;
    expect((await admin.get(`${API}/runs/get?run_id=${ids.run_id}`)).status).toBe(200);
    const { users } = (await admin.get(`${API}/users`)).json;
    expect(users.map(({ username }: { username: string }) => username)).toEqual([
      'admin',
      first.username,
      second.username,
    ]);
    const row = users.find(({ username }: { username: string }) => username === second.username);
    expect(row).toEqual({
      id: expect.any(Number),
      username: second.username,
      is_admin: false,
      is_active: true,
      is_service: false,
      must_change_password: false,
      created_at: expect.any(Number),
      created_by: 'admin',
      experiment_permissions: [{ experiment_id: ids.experiment_id, permission: 'READ', user_id: row.id }],
      registered_model_permissions: [{ name: names.model, permission: 'READ', user_id: row.id }],
      scorer_permissions: [],
    });
    for (const user of users) {
      expect(Object.keys(user).toSorted()).toEqual(
        [
          'created_at',
          'created_by',
          'experiment_permissions',
          'id',
          'is_active',
          'is_admin',
          'is_service',
          'must_change_password',
          'registered_model_permissions',
          'scorer_permissions',
          'username',
        ].toSorted(),
      );
    }
    expect((await second.get(`${API}/users`)).status).toBe(403);
  });
});

/** Runs a script with the stock client, signed in as a user. */
function python(
  version: string,
  url: string,
  who: Person,
  script: string,
  env: Record<string, string> = {},
): Promise<string> {
  return runPython(version, script, {
    MLFLOW_TRACKING_URI: url,
    MLFLOW_TRACKING_USERNAME: who.username,
    MLFLOW_TRACKING_PASSWORD: who.password,
    MLFLOW_HTTP_REQUEST_MAX_RETRIES: '1',
    GIT_PYTHON_REFRESH: 'quiet',
    ...env,
  });
}

/** Grants READ as MLflow's documentation shows it; the client of 3.17.2 has no such calls any more. */
async function shareAs(
  version: string,
  url: string,
  who: Person,
  grants: readonly (readonly [kind: 'experiment' | 'registered_model', id: string, to: string])[],
): Promise<void> {
  await python(
    version,
    url,
    who,
    isMlflow2(version)
      ? `
import json, os
from mlflow.server.auth.client import AuthServiceClient
client = AuthServiceClient(os.environ["MLFLOW_TRACKING_URI"])
for kind, id, to in json.loads(os.environ["GRANTS"]):
    create = client.create_experiment_permission if kind == "experiment" else client.create_registered_model_permission
    assert create(id, to, "READ").permission == "READ"
`
      : `
import json, os, requests
auth = os.environ["MLFLOW_TRACKING_USERNAME"], os.environ["MLFLOW_TRACKING_PASSWORD"]
for kind, id, to in json.loads(os.environ["GRANTS"]):
    family, key = ("experiments", "experiment_id") if kind == "experiment" else ("registered-models", "name")
    requests.post(f'{os.environ["MLFLOW_TRACKING_URI"]}/api/2.0/mlflow/{family}/permissions/create', auth=auth,
                  json={key: id, "username": to, "permission": "READ"}).raise_for_status()
`,
    { GRANTS: JSON.stringify(grants) },
  );
}

function lastLine(output: string): string {
  return output.trim().split('\n').at(-1) ?? '';
}
