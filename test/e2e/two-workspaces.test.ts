/** A training by MLflow's own client in two workspaces, of things that are called the same in both. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type Person, unique } from '../support/gateway.ts';
import { isMlflow2, MLFLOW_VERSIONS, NEWEST, runPython } from '../support/mlflow.ts';
import { assign, useWorkspaces } from '../support/workspaces.ts';

/** What a data scientist runs in each workspace that is named: one by the variable, then by the client's own call. */
const TRAINING = `
import json, os, mlflow
from mlflow import MlflowClient

names = json.loads(os.environ["NAMES"])
results = {}

class Adding(mlflow.pyfunc.PythonModel):
    def __init__(self, what):
        self.what = what
    def predict(self, context, model_input, params=None):
        return [self.what + each for each in model_input]

for index, workspace in enumerate(json.loads(os.environ["WORKSPACES"])):
    if workspace != os.environ.get("MLFLOW_WORKSPACE"):
        mlflow.set_workspace(workspace)
    client = MlflowClient()
    experiment = mlflow.set_experiment(names["experiment"])
    with mlflow.start_run(run_name="fit") as run:
        mlflow.log_params({"depth": 3, "workspace": workspace})
        mlflow.log_metric("loss", 0.5, step=1)
        mlflow.log_text("of " + workspace, "notes/a b.txt")
        model = mlflow.pyfunc.log_model(name="model", python_model=Adding(index), pip_requirements=[])
    run_id = run.info.run_id
    assert client.get_run(run_id).data.params["workspace"] == workspace
    assert [r.info.run_id for r in client.search_runs([experiment.experiment_id])] == [run_id]
    assert mlflow.artifacts.load_text(f"runs:/{run_id}/notes/a b.txt") == "of " + workspace
    version = mlflow.register_model(model.model_uri, names["model"]).version
    assert version == 1 or version == "1", version
    client.set_registered_model_alias(names["model"], "best", version)
    loaded = mlflow.pyfunc.load_model(f"models:/{names['model']}@best")
    assert loaded.unwrap_python_model().predict(None, [1]) == [1 + index]
    with mlflow.start_span("a span"):
        pass
    mlflow.flush_trace_async_logging()
    assert len(client.search_traces([experiment.experiment_id])) == 1
    results[workspace] = {"experiment_id": experiment.experiment_id, "run_id": run_id,
                          "uri": run.info.artifact_uri}
print(json.dumps(results))
`;

/** What somebody sees of one workspace: every line that is refused prints its status. */
const PRYING = `
import json, os, mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

names, ids = json.loads(os.environ["NAMES"]), json.loads(os.environ["IDS"])
client = MlflowClient()

def asked(ask):
    try:
        answer = ask()
        return 200 if answer is None or not isinstance(answer, (str, list)) else answer
    except MlflowException as error:
        return error.get_http_status_code()

print(json.dumps({
    "workspaces": asked(lambda: sorted(each.name for each in mlflow.list_workspaces())),
    "experiments": asked(lambda: [e.name for e in client.search_experiments(filter_string="name LIKE 'training%'")]),
    "models": asked(lambda: [m.name for m in client.search_registered_models()]),
    "experiment": asked(lambda: client.get_experiment(ids["experiment_id"])),
    "byName": client.get_experiment_by_name(names["experiment"]) is not None,
    "run": asked(lambda: client.get_run(ids["run_id"]).data.params["workspace"]),
    "artifact": asked(lambda: mlflow.artifacts.load_text(f"runs:/{ids['run_id']}/notes/a b.txt")),
    "metric": asked(lambda: client.log_metric(ids["run_id"], "loss", 1)),
    "model": asked(lambda: client.get_registered_model(names["model"])),
    "describe": asked(lambda: client.update_registered_model(names["model"], "another's")),
    "create": asked(lambda: client.create_experiment(names["experiment"] + os.environ["WHO"])) not in (403, 404),
    "delete": asked(lambda: client.delete_registered_model(names["model"])) if os.environ["WHO"] != "owner" else None,
}))
`;

/** Versions before 3.10 have no workspaces. */
const VERSIONS = MLFLOW_VERSIONS.filter(
  (version) => !isMlflow2(version) && (version === NEWEST || /^3\.(?:1\d|[2-9]\d)\./.test(version)),
);

describe.each(VERSIONS)('a training by the client of MLflow %s in two workspaces', (version) => {
  const dir = mkdtempSync(join(tmpdir(), 'two-workspaces-'));
  afterAll(() => rmSync(dir, { recursive: true }));
  const { gateway, admin, alice, bob, carol, names } = useWorkspaces(version);
  const things = { experiment: unique('training'), model: unique('adding') };
  let ids: Record<string, { experiment_id: string; run_id: string; uri: string }> = {};

  const python = async (who: Person, script: string, env: Record<string, string>) =>
    JSON.parse(
      (
        await runPython(version, script, {
          MLFLOW_TRACKING_URI: gateway.url,
          MLFLOW_TRACKING_USERNAME: who.username,
          MLFLOW_TRACKING_PASSWORD: who.password,
          MLFLOW_HTTP_REQUEST_MAX_RETRIES: '1',
          GIT_PYTHON_REFRESH: 'quiet',
          NAMES: JSON.stringify(things),
          ...env,
        })
      )
        .trim()
        .split('\n')
        .at(-1) ?? '',
    );
  const prying = (who: Person, as: string, workspace: string, of = workspace) =>
    python(who, PRYING, { MLFLOW_WORKSPACE: workspace, IDS: JSON.stringify(ids[of]), WHO: as });

  /** What one sees of a workspace that one is not in: that there is none. */
  const nothing = (workspaces: readonly string[]) => ({
    ...Object.fromEntries(
      ['experiments', 'models', 'experiment', 'run', 'artifact', 'metric', 'model', 'describe', 'delete'].map(
        (each) => [each, 404],
      ),
    ),
    workspaces,
    byName: false,
    create: false,
  });

  test('runs in both, with the same names', async () => {
    await assign(admin, names.b, 'user', alice);
    ids = await python(alice, TRAINING, {
      MLFLOW_WORKSPACE: names.a,
      WORKSPACES: JSON.stringify([names.a, names.b]),
    });
    for (const workspace of [names.a, names.b]) {
      expect(ids[workspace]?.uri).toContain(`/workspaces/${workspace}/`);
    }
  }, 300_000);

  test('its owner has all of it in each', async () => {
    for (const workspace of [names.a, names.b]) {
      expect(await prying(alice, 'owner', workspace)).toEqual({
        workspaces: [names.a, names.b].toSorted(),
        experiments: [things.experiment],
        models: [things.model],
        experiment: 200,
        byName: true,
        run: workspace,
        artifact: `of ${workspace}`,
        metric: 200,
        model: 200,
        describe: 200,
        create: true,
        delete: null,
      });
    }
  }, 300_000);

  test('a member of one reads what is in it, and nothing of the other', async () => {
    expect(await prying(bob, 'member', names.b)).toMatchObject({
      workspaces: [names.b],
      models: [things.model],
      run: names.b,
      artifact: `of ${names.b}`,
      metric: 403,
      model: 200,
      describe: 403,
      create: true,
      delete: 403,
    });
    // What is in the other is not there for the one that is asked about.
    const other = await prying(bob, 'member-elsewhere', names.b, names.a);
    expect([other.experiment, other.run, other.artifact, other.metric]).not.toContain(200);
    expect(JSON.stringify(other)).not.toContain(`of ${names.a}`);
    expect(await prying(bob, 'outsider', names.a)).toEqual(nothing([names.b]));
  }, 300_000);

  test('a stranger finds neither workspace', async () => {
    for (const workspace of [names.a, names.b, 'no-such-team']) {
      expect(await prying(carol, 'stranger', workspace, names.a)).toEqual(nothing([]));
    }
  }, 300_000);
});
