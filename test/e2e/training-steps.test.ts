/** A whole day of MLflow's client, step by step: as who owns the things, and as who may EDIT them. */
import { describe, expect, test } from 'vitest';
import { createExperiment, type Person, unique } from '../support/gateway.ts';
import { isMlflow2, MLFLOW_VERSIONS, runPython } from '../support/mlflow.ts';
import { useGateway } from '../support/use-gateway.ts';

const API = '/api/2.0/mlflow';
const PATIENCE_MS = 180_000;

type Step = readonly [name: string, needs: 'EDIT' | 'MANAGE', python: string];

/** Each step sees the names that those before it have set, and goes on after one that was refused. */
const STEPS: readonly Step[] = [
  ['name an experiment', 'EDIT', 'id = mlflow.set_experiment(EXPERIMENT).experiment_id'],
  ['tag the experiment', 'EDIT', 'client.set_experiment_tag(id, "team", "größe")'],
  ['start a run', 'EDIT', 'run_id = mlflow.start_run(run_name="fit", description="a day").info.run_id'],
  ['log a parameter', 'EDIT', 'mlflow.log_param("depth", 3)'],
  ['log parameters', 'EDIT', 'mlflow.log_params({"rate": 0.1, "größe": "ä"})'],
  ['log a metric by step', 'EDIT', 'for step in range(5): mlflow.log_metric("loss", 1 / (step + 1), step)'],
  ['log metrics', 'EDIT', 'mlflow.log_metrics({"f1": 0.5, "nan": float("nan"), "inf": float("inf")})'],
  [
    'log a batch',
    'EDIT',
    `client.log_batch(run_id, [Metric(f"m{i}", i, 1, i) for i in range(300)],
  [Param(f"p{i}", str(i)) for i in range(50)], [RunTag("stage", "test")])`,
  ],
  ['tag the run', 'EDIT', 'mlflow.set_tags({"note": "\'quoted\' \\"twice\\"", "old": "1"})'],
  ['take a tag off', 'EDIT', 'mlflow.delete_tag("old")'],
  ['log a text', 'EDIT', 'mlflow.log_text("hello ünïcode", "notes/a b.txt")'],
  ['log a dict', 'EDIT', 'mlflow.log_dict({"a": [1, 2]}, "data.json")'],
  [
    'log a file',
    'EDIT',
    'open(f"{OUT}/weights.bin", "wb").write(bytes(range(256)) * 4096); mlflow.log_artifact(f"{OUT}/weights.bin")',
  ],
  [
    'log a directory',
    'EDIT',
    `os.makedirs(f"{OUT}/plots/deep", exist_ok=True)
open(f"{OUT}/plots/deep/plot.csv", "w").write("x,y")
mlflow.log_artifacts(f"{OUT}/plots", "plots")`,
  ],
  ['log an image', 'EDIT', 'mlflow.log_image(numpy.zeros((4, 4, 3), dtype="uint8"), "black.png")'],
  ['log a table', 'EDIT', 'mlflow.log_table({"x": [1, 2], "y": ["a", "b"]}, "table.json")'],
  [
    'log a dataset as input',
    'EDIT',
    'mlflow.log_input(mlflow.data.from_numpy(numpy.arange(4), name="four"), context="training")',
  ],
  [
    'nest a run',
    'EDIT',
    `with mlflow.start_run(nested=True, run_name="fold") as fold: mlflow.log_metric("loss", 2)
assert client.get_run(fold.info.run_id).data.tags["mlflow.parentRunId"] == run_id`,
  ],
  [
    'log a model',
    'EDIT',
    `class Doubling(mlflow.pyfunc.PythonModel):
  def predict(self, context, model_input, params=None): return [2 * each for each in model_input]
model = mlflow.pyfunc.log_model(artifact_path="model", python_model=Doubling(), pip_requirements=[])`,
  ],
  ['end the run', 'EDIT', 'mlflow.end_run(); assert client.get_run(run_id).info.status == "FINISHED"'],
  [
    'correct how it ended',
    'EDIT',
    'client.set_terminated(run_id, "FAILED"); client.update_run(run_id, name="redo")',
  ],
  [
    'read the run',
    'EDIT',
    `run = client.get_run(run_id)
assert run.info.run_name == "redo" and run.data.params["größe"] == "ä" and len(run.data.params) == 53, run
assert run.data.metrics["inf"] > 1e300 and "old" not in run.data.tags, run
assert run.inputs.dataset_inputs[0].dataset.name == "four", run`,
  ],
  [
    'read a metric',
    'EDIT',
    'assert [m.value for m in client.get_metric_history(run_id, "loss")] == [1 / (s + 1) for s in range(5)]',
  ],
  [
    'search runs',
    'EDIT',
    `found = client.search_runs([id], "params.depth = '3'", order_by=["metrics.f1 DESC"])
assert [each.info.run_id for each in found][0] == run_id, found
assert run_id in mlflow.search_runs([id])["run_id"].tolist()`,
  ],
  ['search experiments', 'EDIT', 'assert id in [e.experiment_id for e in client.search_experiments()]'],
  [
    'list artifacts',
    'EDIT',
    `listed = {f.path for f in client.list_artifacts(run_id)}
assert {"data.json", "notes", "plots", "black.png", "weights.bin", "table.json"} <= listed, listed`,
  ],
  [
    'download artifacts',
    'EDIT',
    `assert mlflow.artifacts.load_text(f"runs:/{run_id}/notes/a b.txt") == "hello ünïcode"
path = mlflow.artifacts.download_artifacts(run_id=run_id, dst_path=f"{OUT}/back")
assert open(f"{path}/weights.bin", "rb").read() == bytes(range(256)) * 4096
assert open(f"{path}/plots/deep/plot.csv").read() == "x,y"`,
  ],
  [
    'read a table',
    'EDIT',
    'assert mlflow.load_table("table.json", run_ids=[run_id])["x"].tolist() == [1, 2]',
  ],
  [
    'log a trace',
    'EDIT',
    `with mlflow.start_span(name="ask") as span:
  span.set_inputs({"q": "why"}); span.set_outputs({"a": "so"})
getattr(mlflow, "flush_trace_async_logging", lambda: None)()`,
  ],
  [
    'search traces',
    'EDIT',
    `traces = client.search_traces(experiment_ids=[id])
assert [s.name for s in traces[0].data.spans] == ["ask"], traces
trace_id = traces[0].info.request_id`,
  ],
  ['tag a trace', 'EDIT', 'client.set_trace_tag(trace_id, "k", "v"); client.delete_trace_tag(trace_id, "k")'],
  ['register a model', 'EDIT', 'version = mlflow.register_model(model.model_uri, MODEL).version'],
  [
    'describe the model',
    'EDIT',
    `client.update_registered_model(MODEL, "doubles")
client.update_model_version(MODEL, version, "first")`,
  ],
  [
    'tag the model',
    'EDIT',
    `client.set_registered_model_tag(MODEL, "k", "v")
client.set_model_version_tag(MODEL, version, "checked", "yes")`,
  ],
  ['take a tag off the model', 'EDIT', 'client.delete_registered_model_tag(MODEL, "k")'],
  ['give a version an alias', 'EDIT', 'client.set_registered_model_alias(MODEL, "best", version)'],
  ['move a version to a stage', 'EDIT', 'client.transition_model_version_stage(MODEL, version, "Staging")'],
  [
    'load a model by its alias',
    'EDIT',
    `loaded = mlflow.pyfunc.load_model(f"models:/{MODEL}@best")
assert loaded.unwrap_python_model().predict(None, [1, 2]) == [2, 4]`,
  ],
  [
    'search models',
    'EDIT',
    `assert MODEL in [m.name for m in client.search_registered_models()]
assert version in [v.version for v in client.search_model_versions(f"name = '{MODEL}'")]`,
  ],
  ['rename the experiment', 'EDIT', 'client.rename_experiment(id, EXPERIMENT + " anew")'],
  ['take a tag off a version', 'MANAGE', 'client.delete_model_version_tag(MODEL, version, "checked")'],
  ['take the alias away', 'MANAGE', 'client.delete_registered_model_alias(MODEL, "best")'],
  ['delete a trace', 'MANAGE', 'assert client.delete_traces(id, **{TRACE_IDS: [trace_id]}) == 1'],
  ['delete the run', 'MANAGE', 'client.delete_run(run_id)'],
  ['restore the run', 'MANAGE', 'client.restore_run(run_id)'],
  ['delete a version', 'MANAGE', 'client.delete_model_version(MODEL, version)'],
  ['rename the model', 'MANAGE', 'client.rename_registered_model(MODEL, MODEL + "-anew"); MODEL += "-anew"'],
  ['delete the model', 'MANAGE', 'client.delete_registered_model(MODEL)'],
  ['delete the experiment', 'MANAGE', 'client.delete_experiment(id)'],
  ['restore the experiment', 'MANAGE', 'client.restore_experiment(id)'],
];

/** Does the steps and prints how each went: "done", the status of a refusal, or what else went wrong. */
const DAY = `
import json, os, tempfile, traceback, mlflow, numpy
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException

NAMES = json.loads(os.environ["NAMES"])
if mlflow.__version__.startswith("2."):
    # MLflow 2.15 never calls the constructor that OpenTelemetry of today fills its attributes in.
    from mlflow.tracing.processor.mlflow import MlflowSpanProcessor as Processor
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    construct = Processor.__init__
    def constructed(self, exporter, *more):
        SimpleSpanProcessor.__init__(self, exporter)
        construct(self, exporter, *more)
    Processor.__init__ = constructed

scope = {**globals(), **NAMES, "client": MlflowClient(), "OUT": tempfile.mkdtemp()}
went = {}
for name, needs, code in json.loads(os.environ["STEPS"]):
    try:
        exec(code, scope)
        went[name] = "done"
    except MlflowException as error:
        status = error.get_http_status_code()
        went[name] = status if status == 403 else traceback.format_exc()
    except Exception:
        went[name] = traceback.format_exc()
print(json.dumps(went))
`;

describe.each(MLFLOW_VERSIONS)('a day of the client of MLflow %s', { timeout: PATIENCE_MS }, (version) => {
  const { gateway, owner, editor } = useGateway({ version, people: ['owner', 'editor'] });

  const day = async (who: Person, names: { EXPERIMENT: string; MODEL: string }) => {
    const printed = await runPython(version, DAY, {
      MLFLOW_TRACKING_URI: gateway.url,
      MLFLOW_TRACKING_USERNAME: who.username,
      MLFLOW_TRACKING_PASSWORD: who.password,
      MLFLOW_HTTP_REQUEST_MAX_RETRIES: '1',
      GIT_PYTHON_REFRESH: 'quiet',
      NAMES: JSON.stringify({ ...names, TRACE_IDS: isMlflow2(version) ? 'request_ids' : 'trace_ids' }),
      STEPS: JSON.stringify(STEPS),
    });
    return JSON.parse(printed.trim().split('\n').at(-1) ?? '') as Record<string, unknown>;
  };

  test('its owner does every step', async () => {
    const went = await day(owner, { EXPERIMENT: unique('day'), MODEL: unique('doubling') });
    expect(went).toEqual(Object.fromEntries(STEPS.map(([name]) => [name, 'done'])));
  });

  test('who may EDIT does all but those that need MANAGE', async () => {
    const names = { EXPERIMENT: unique('day'), MODEL: unique('doubling') };
    const experiment_id = await createExperiment(owner, names.EXPERIMENT);
    const made = await owner.post(`${API}/registered-models/create`, { name: names.MODEL });
    expect(made.status).toBe(200);
    for (const [family, id] of [
      ['experiments', { experiment_id }],
      ['registered-models', { name: names.MODEL }],
    ] as const) {
      const grant = { ...id, username: editor.username, permission: 'EDIT' };
      expect((await owner.post(`${API}/${family}/permissions/create`, grant)).status).toBe(200);
    }

    const went = await day(editor, names);
    expect(went).toEqual(
      Object.fromEntries(STEPS.map(([name, needs]) => [name, needs === 'EDIT' ? 'done' : 403])),
    );
  });
});
