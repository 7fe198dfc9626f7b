/**
 * Clients of one version in front of a server of another get as far through the gateway as they get without it: a field
 * that the server does not declare is left out, as the server would leave it out itself.
 */
import { describe, expect, test } from 'vitest';
import { unique } from '../support/gateway.ts';
import { NEWEST, OLDEST, runPython, STARTED } from '../support/mlflow.ts';
import { useGateway } from '../support/use-gateway.ts';

/** A training step by step; prints what became of each. */
const STEPS = `
import json, os, warnings
warnings.simplefilter("ignore")
import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag

name, client, told = os.environ["NAME"], MlflowClient(), {}

def step(title, work):
    try:
        told[title] = [True, work()]
    except Exception as error:
        code = getattr(error, "error_code", None)
        told[title] = [False, type(error).__name__, code]
        return None
    return told[title].pop()

class Doubling(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return [2 * each for each in model_input]

experiment = step("experiment", lambda: mlflow.set_experiment(name).experiment_id)
client.set_experiment_tag(experiment, "mlflow.note.content", "a note")
run = step("run", lambda: mlflow.start_run(run_name="fit", description="described").info.run_id)
step("params", lambda: mlflow.log_params({"depth": 3}))
step("metric", lambda: mlflow.log_metric("loss", 0.5, step=2**53 + 1))
step("metric with a dataset", lambda: client.log_metric(run, "loss", 0.25, step=3, **(
    {"dataset_name": "d", "dataset_digest": "abc"} if int(mlflow.__version__.split(".")[0]) > 2 else {})))
step("batch", lambda: client.log_batch(run, [Metric(f"m{i}", i, 1, i) for i in range(50)], [Param("p", "1")], [RunTag("t", "x")]))
def inputs():
    import pandas
    mlflow.log_input(mlflow.data.from_pandas(pandas.DataFrame({"a": [1]}), name="data"), context="training")
step("inputs", inputs)
step("artifact", lambda: mlflow.log_text("hello", "notes.txt"))
model = step("model", lambda: mlflow.pyfunc.log_model("model", python_model=Doubling(), pip_requirements=[]).model_uri)
step("end", mlflow.end_run)
step("history", lambda: [m.value for m in client.get_metric_history(run, "loss")])
step("search runs", lambda: [r.info.run_id for r in client.search_runs([experiment], "params.depth = '3'")])
step("search experiments", lambda: [e.name for e in client.search_experiments(filter_string=f"name = '{name}'")])
step("list artifacts", lambda: [f.path for f in client.list_artifacts(run)])
step("load artifact", lambda: mlflow.artifacts.load_text(f"runs:/{run}/notes.txt"))
step("register", lambda: client.create_registered_model(name, tags={"team": "x"}, description="d").name)
step("version", lambda: client.create_model_version(name, f"runs:/{run}/model" if model else f"runs:/{run}/notes.txt", run).version)
step("alias", lambda: client.set_registered_model_alias(name, "best", "1"))
step("search versions", lambda: [v.version for v in client.search_model_versions(f"name = '{name}'")])
step("search models", lambda: name in [m.name for m in client.search_registered_models()])
print(json.dumps({title: [*rest] for title, rest in told.items()}))
`;

const PAIRS = [
  { client: OLDEST, server: NEWEST },
  { client: STARTED, server: NEWEST },
  { client: NEWEST, server: OLDEST },
  { client: STARTED, server: OLDEST },
];

describe.each([NEWEST, OLDEST])('in front of MLflow %s', (server) => {
  const { gateway, mlflow, alice } = useGateway({ version: server, people: ['alice'] });

  const clients = PAIRS.filter((pair) => pair.server === server).map(({ client }) => client);
  test.each(clients)(
    'a client of MLflow %s gets as far as without a gateway',
    { timeout: 300_000 },
    async (client) => {
      // A busy MLflow may close a connection that is just being used again; the client then tries once more, as it does for users.
      const env = {
        MLFLOW_HTTP_REQUEST_MAX_RETRIES: '3',
        MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR: '1',
        GIT_PYTHON_REFRESH: 'quiet',
      };
      // One after the other: two writers at once, and an old MLflow on SQLite answers one of them with an error of its own.
      const direct = await runPython(client, STEPS, {
        ...env,
        NAME: unique('direct'),
        MLFLOW_TRACKING_URI: mlflow.uri,
      });
      const through = await runPython(client, STEPS, {
        ...env,
        NAME: unique('through'),
        MLFLOW_TRACKING_URI: gateway.url,
        MLFLOW_TRACKING_USERNAME: alice.username,
        MLFLOW_TRACKING_PASSWORD: alice.password,
      });
      const stepsOf = (printed: string) => JSON.parse(printed.trim().split('\n').at(-1) ?? '');
      const steps = stepsOf(through);
      expect(steps).toEqual(stepsOf(direct));
      const done = Object.values<readonly unknown[]>(steps).filter(([ok]) => ok);
      expect(done.length).toBeGreaterThan(15);
    },
  );
});
