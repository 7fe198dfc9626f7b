import { describe, expect, test } from 'vitest';
import { unique } from '../support/gateway.ts';
import { NEWEST, runPython } from '../support/mlflow.ts';
import { openGateway } from '../support/use-gateway.ts';

describe('traces of the Python client', () => {
  test('are logged, tagged and found by their owner, and not by another user', async () => {
    const version = NEWEST;
    const { gateway, alice, bob } = await openGateway({ version, people: ['alice', 'bob'] });
    const run = async (who: typeof alice, script: string, more: Record<string, string>) => {
      const out = await runPython(version, script, {
        MLFLOW_TRACKING_URI: gateway.url,
        MLFLOW_TRACKING_USERNAME: who.username,
        MLFLOW_TRACKING_PASSWORD: who.password,
        MLFLOW_HTTP_REQUEST_MAX_RETRIES: '1',
        MLFLOW_ENABLE_ASYNC_TRACE_LOGGING: 'false',
        ...more,
      });
      return JSON.parse(out.trim().split('\n').at(-1) ?? '');
    };
    const seen = await run(alice, OWNER, { NAME: unique('traced') });
    const { id, experiment, ...rest } = seen;
    expect(rest).toEqual({
      names: ['outer', 'inner'],
      tag: 'b',
      found: 1,
      feedback: true,
      dataset: 1,
      linked: 1,
    });
    const refused = await run(bob, STRANGER, { TRACE: id, EXPERIMENT: experiment });
    expect(refused).toEqual(['refused', 'refused', 'refused']);
  });
});

const OWNER = `
import json, os, mlflow
from mlflow import MlflowClient
client = MlflowClient()
experiment = mlflow.set_experiment(os.environ["NAME"]).experiment_id
with mlflow.start_span("outer") as outer:
    outer.set_inputs({"a": 1})
    with mlflow.start_span("inner"):
        pass
id = outer.trace_id
client.set_trace_tag(id, "a", "b")
trace = client.get_trace(id)
seen = {
    "id": id,
    "experiment": experiment,
    "names": [span.name for span in trace.data.spans],
    "tag": trace.info.tags["a"],
    "found": len(client.search_traces(experiment_ids=[experiment])),
}
mlflow.log_feedback(trace_id=id, name="good", value=True)
seen["feedback"] = mlflow.get_trace(id).info.assessments[0].value
dataset = mlflow.genai.create_dataset(name=os.environ["NAME"], experiment_id=experiment)
dataset.merge_records([{"inputs": {"q": 1}}])
seen["dataset"] = len(mlflow.genai.get_dataset(dataset_id=dataset.dataset_id).to_df())
with mlflow.start_run() as run:
    with mlflow.start_span("in a run"):
        pass
seen["linked"] = len(client.search_traces(experiment_ids=[experiment], run_id=run.info.run_id))
print(json.dumps(seen))
`;

const STRANGER = `
import json, os
from mlflow import MlflowClient
client = MlflowClient()
out = []
for ask in (
    lambda: client.set_trace_tag(os.environ["TRACE"], "a", "c"),
    lambda: client.get_trace(os.environ["TRACE"]),
    lambda: client.get_experiment(os.environ["EXPERIMENT"]),
):
    try:
        ask()
        out.append("passed")
    except Exception as error:
        out.append("refused" if "Permission denied" in str(error) else str(error))
print(json.dumps(out))
`;
