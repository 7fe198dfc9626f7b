/** MLflow's own clients sign in by a token alone, for as long as it is good, and to as much as its scope holds. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createExperiment,
  createRun,
  type Person,
  startGateway,
  type TestGateway,
  unique,
} from '../support/gateway.ts';
import { isMlflow2, MLFLOW_VERSIONS, runPython, sharedMlflow } from '../support/mlflow.ts';
import { STATUS } from '../support/python-status.ts';
import { encodeSpans } from '../support/spans.ts';
import { byToken, makeToken } from '../support/tokens.ts';

const A2 = '/api/2.0/mlflow';

/** A training in the middle of which the password of its user is changed, and at whose end its token is deleted. */
const TRAINING = `
import json, os, mlflow, requests
from mlflow import MlflowClient
${STATUS}
told = json.loads(os.environ["TOLD"])
client = MlflowClient()

def elsewhere(method, path, **sent):
    requests.request(method, told["other"] + "/api/2.0/mlflow/users/" + path, json=sent, auth=tuple(told["admin"])).raise_for_status()

experiment = mlflow.set_experiment(told["experiment"])
run_id = client.create_run(experiment.experiment_id).info.run_id
client.log_metric(run_id, "loss", 1.0)
elsewhere("PATCH", "update-password", username=told["username"], password="chosen while it is training")
client.log_metric(run_id, "loss", 0.5, step=1)
client.log_text(run_id, "hello", "notes/a.txt")
assert mlflow.artifacts.load_text(f"runs:/{run_id}/notes/a.txt") == "hello"
if not mlflow.__version__.startswith("2."):
    with mlflow.start_span("step") as span:
        span.set_inputs({"x": 1})
    mlflow.flush_trace_async_logging()
    assert len(mlflow.search_traces(experiment_ids=[experiment.experiment_id], return_type="list")) == 1
elsewhere("DELETE", "tokens/delete", token_id=told["token_id"])
print(json.dumps({"run_id": run_id, "after": status(lambda: client.log_metric(run_id, "loss", 0.1, step=2))}))
`;

/** What can be done by a token: statuses, and names that are seen. */
const LOOKING = `
import json, os, mlflow, requests
from mlflow import MlflowClient
${STATUS}
told = json.loads(os.environ["TOLD"])
client = MlflowClient()
mine, other = told["mine"], told["other"]

both = [mine["experiment"], other["experiment"]]
def about(where):
    return {
        "get": status(lambda: client.get_experiment(where["experiment"])),
        "run": status(lambda: client.get_run(where["run"])),
        "load": status(lambda: mlflow.artifacts.load_text(f"runs:/{where['run']}/note.txt")),
        "model": status(lambda: client.get_registered_model(where["model"])),
        "log": status(lambda: client.log_metric(where["run"], "m", 1.0)),
        "tag": status(lambda: client.set_tag(where["run"], "k", "v")),
        "upload": status(lambda: client.log_text(where["run"], "more", "more.txt")),
        "new run": status(lambda: client.create_run(where["experiment"])),
    }
print(json.dumps({
    "experiments": sorted(e.experiment_id for e in client.search_experiments() if e.experiment_id in both),
    "runs": sorted({r.info.experiment_id for r in client.search_runs(both)}),
    "models": sorted(m.name for m in client.search_registered_models() if m.name in (mine["model"], other["model"])),
    "versions": sorted({v.name for v in client.search_model_versions() if v.name in (mine["model"], other["model"])}),
    "mine": about(mine),
    "other": about(other),
    "new experiment": status(lambda: client.create_experiment(told["fresh"])),
    "new model": status(lambda: client.create_registered_model(told["fresh"])),
}))
`;

const READS = { get: 200, run: 200, load: 200, model: 200 };
const WRITES = { log: 200, tag: 200, upload: 200, 'new run': 200 };
const refused = (statuses: Record<string, number>) =>
  Object.fromEntries(Object.keys(statuses).map((name) => [name, 403]));

describe.each(MLFLOW_VERSIONS)('with MLflow %s', { timeout: 180_000 }, (version) => {
  const dir = mkdtempSync(join(tmpdir(), 'tokens-'));
  let here: TestGateway;
  let there: TestGateway;

  beforeAll(async () => {
    const { socketUri } = await sharedMlflow(version);
    const database_uri = `sqlite:///${join(dir, 'shared.db')}`;
    here = await startGateway(socketUri, { database_uri });
    there = await startGateway(socketUri, { database_uri });
  });
  afterAll(async () => {
    await there.close();
    await here.close();
    rmSync(dir, { recursive: true });
  });

  async function run(script: string, secret: string, told: unknown): Promise<Record<string, unknown>> {
    const printed = await runPython(version, script, {
      MLFLOW_TRACKING_URI: here.url,
      MLFLOW_TRACKING_TOKEN: secret,
      MLFLOW_HTTP_REQUEST_MAX_RETRIES: '1',
      TOLD: JSON.stringify(told),
    });
    return JSON.parse(printed.trim().split('\n').at(-1) ?? '');
  }

  test('a training goes on while its user’s password changes, until its token is deleted at another gateway', async () => {
    const alice = await here.person('alice');
    const { token, secret } = await makeToken(alice, { name: 'training' });
    const done = await run(TRAINING, secret, {
      experiment: unique('by-token'),
      username: alice.username,
      token_id: token.token_id,
      other: there.url,
      admin: [there.admin.username, there.admin.password],
    });
    expect(done).toMatchObject({ after: 401 });
    expect((await alice.get(`${A2}/users/current`)).status).toBe(401);
    const read = await here.admin.get(`${A2}/runs/get?run_id=${done['run_id']}`);
    expect(read.json.run.data.metrics).toMatchObject([{ key: 'loss', value: 0.5, step: 1 }]);
  });

  /** An experiment with a run, an artifact, a trace and a model, all of one user. */
  async function makeThings(owner: Person) {
    const experiment = await createExperiment(owner);
    const run = await createRun(owner, experiment);
    await owner.send('PUT', `/api/2.0/mlflow-artifacts/artifacts/${experiment}/${run}/artifacts/note.txt`, {
      raw: 'a note',
    });
    const model = unique('model');
    await owner.post(`${A2}/registered-models/create`, { name: model });
    await owner.post(`${A2}/model-versions/create`, {
      name: model,
      source: `mlflow-artifacts:/${experiment}/${run}/artifacts`,
      run_id: run,
    });
    await owner.post(`${A2}/traces`, {
      experiment_id: experiment,
      timestamp_ms: 1,
      request_metadata: [],
      tags: [],
    });
    return { experiment, run, model };
  }

  const scopeOf = ({ experiment, model }: { experiment: string; model: string }) => ({
    resources: [
      { resource_type: 'experiment', resource_id: experiment },
      { resource_type: 'registered_model', resource_id: model },
    ],
  });

  test('a token for one experiment and model sees no other, in any search, and makes none', async () => {
    const alice = await here.person('alice');
    const [mine, other] = [await makeThings(alice), await makeThings(alice)];
    const { secret } = await makeToken(alice, { scope: scopeOf(mine) });
    expect(await run(LOOKING, secret, { mine, other, fresh: unique('fresh') })).toEqual({
      experiments: [mine.experiment],
      runs: [mine.experiment],
      models: [mine.model],
      versions: [mine.model],
      mine: { ...READS, ...WRITES },
      other: refused({ ...READS, ...WRITES }),
      'new experiment': 403,
      'new model': 403,
    });
    // What the pages of the UI ask.
    const by = byToken(here.url, secret);
    expect((await by.get('/')).status).toBe(200);
    const query = `query { mlflowSearchRuns(input: {experimentIds: ["${mine.experiment}", "${other.experiment}"]}) { runs { info { experimentId } } } }`;
    const { text } = await by.send('POST', '/graphql', { json: { query } });
    expect(text).not.toContain(`"${other.experiment}"`);
    const traces = (experiment: string) => by.get(`${A2}/traces?experiment_ids=${experiment}`);
    expect((await traces(mine.experiment)).json.traces).toHaveLength(1);
    expect((await traces(other.experiment)).status).toBe(403);
    const experiments = await by.post('/ajax-api/2.0/mlflow/experiments/search', { max_results: 1000 });
    expect(experiments.json.experiments.map((each: { experiment_id: string }) => each.experiment_id)).toEqual(
      [mine.experiment],
    );
  });

  test('a token for reading reads all of its user’s, and changes nothing', async () => {
    const alice = await here.person('alice');
    const [mine, other] = [await makeThings(alice), await makeThings(alice)];
    const { secret } = await makeToken(alice, { scope: { access: 'read' } });
    const both = { ...READS, ...refused(WRITES) };
    expect(await run(LOOKING, secret, { mine, other, fresh: unique('fresh') })).toEqual({
      experiments: [mine.experiment, other.experiment].toSorted(),
      runs: [mine.experiment, other.experiment].toSorted(),
      models: [mine.model, other.model].toSorted(),
      versions: [mine.model, other.model].toSorted(),
      mine: both,
      other: both,
      'new experiment': 403,
      'new model': 403,
    });
  });

  test.skipIf(isMlflow2(version))(
    'a token for all models opens no prompt, nor one for all prompts a model',
    async () => {
      const alice = await here.person('alice');
      const [model, prompt] = [unique('model'), unique('prompt')];
      const tags = [{ key: 'mlflow.prompt.is_prompt', value: 'true' }];
      expect((await alice.post(`${A2}/registered-models/create`, { name: model })).status).toBe(200);
      expect((await alice.post(`${A2}/registered-models/create`, { name: prompt, tags })).status).toBe(200);
      for (const [kind, open, shut] of [
        ['registered_model', model, prompt],
        ['prompt', prompt, model],
      ] as const) {
        const scope = { resources: [{ resource_type: kind, resource_id: '*' }] };
        const by = byToken(here.url, (await makeToken(alice, { scope })).secret);
        const get = async (name: string) => (await by.get(`${A2}/registered-models/get?name=${name}`)).status;
        expect([await get(open), await get(shut)], kind).toEqual([200, 403]);
        const found = async (filter: string) => {
          const target = `${A2}/registered-models/search?filter=${encodeURIComponent(filter)}`;
          const { registered_models: rows = [] } = (await by.get(target)).json;
          return rows.map(({ name }: { name: string }) => name);
        };
        const all = [...(await found(`name = '${model}'`)), ...(await found(`name = '${prompt}'`))];
        const prompts = await found("tags.`mlflow.prompt.is_prompt` = 'true'");
        expect(new Set([...all, ...prompts]), kind).toEqual(new Set([open]));
      }
    },
  );

  test.skipIf(isMlflow2(version))(
    'spans are exported by a token, into the experiment of its scope alone',
    async () => {
      const alice = await here.person('alice');
      const [mine, other] = [await createExperiment(alice), await createExperiment(alice)];
      const scope = { resources: [{ resource_type: 'experiment', resource_id: mine }] };
      const writing = byToken(here.url, (await makeToken(alice, { scope })).secret);
      const reading = byToken(
        here.url,
        (await makeToken(alice, { scope: { ...scope, access: 'read' } })).secret,
      );
      const send = (by: Person, experiment: string, trace: string) =>
        by.send('POST', '/v1/traces', {
          raw: encodeSpans([{ trace }]),
          headers: { 'content-type': 'application/x-protobuf', 'x-mlflow-experiment-id': experiment },
        });
      const trace = () =>
        unique('')
          .replaceAll(/[^0-9a-f]/g, '')
          .padEnd(32, '1')
          .slice(0, 32);
      expect((await send(writing, mine, trace())).status).toBe(200);
      expect((await send(writing, other, trace())).status).toBe(403);
      expect((await send(reading, mine, trace())).status).toBe(403);
    },
  );
});
