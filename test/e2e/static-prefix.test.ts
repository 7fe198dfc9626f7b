import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Browsers, installBrowsers } from '../support/browser.ts';
import { type Person, unique } from '../support/gateway.ts';
import { look } from '../support/look.ts';
import { isMlflow2, MLFLOW_VERSIONS, runPython } from '../support/mlflow.ts';
import { useGateway, useMlflow } from '../support/use-gateway.ts';

const PREFIX = '/team/mlflow';

/** What people do with it; each line fails where a path is not found. */
const WORK = `
import json, os, mlflow
from mlflow import MlflowClient
from mlflow.server import get_app_client

client = MlflowClient()
experiment = client.create_experiment(os.environ["NAME"])
mlflow.set_experiment(experiment_id=experiment)
with mlflow.start_run() as run:
    mlflow.log_metric("loss", 0.5)
    mlflow.log_text("hello", "notes/a b.txt")
assert [r.info.run_id for r in client.search_runs([experiment])] == [run.info.run_id]
assert mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/notes/a b.txt") == "hello"
assert [f.path for f in client.list_artifacts(run.info.run_id)] == ["notes"]
client.create_registered_model(os.environ["NAME"])
client.create_model_version(os.environ["NAME"], f"runs:/{run.info.run_id}/notes", run.info.run_id)
assert [m.name for m in client.search_registered_models()] == [os.environ["NAME"]]
users = get_app_client("basic-auth", tracking_uri=os.environ["MLFLOW_TRACKING_URI"])
assert users.get_user(os.environ["MLFLOW_TRACKING_USERNAME"]).username == os.environ["MLFLOW_TRACKING_USERNAME"]
if not mlflow.__version__.startswith("2."):
    with mlflow.start_span("work") as span:
        span.set_inputs({"a": 1})
    mlflow.flush_trace_async_logging()
    assert len(mlflow.search_traces(experiment_ids=[experiment], return_type="list")) == 1
print(json.dumps({"experiment": experiment, "run": run.info.run_id}))
`;

describe.each(MLFLOW_VERSIONS)('behind MLflow %s with --static-prefix', (version) => {
  const name = unique('prefixed');
  const mlflow = useMlflow({ version, staticPrefix: PREFIX });
  const { gateway } = useGateway({ upstream: () => mlflow.socketUri, settings: { static_prefix: PREFIX } });
  let user: Person;
  let made: { experiment: string; run: string };

  beforeAll(async () => {
    const made = await gateway.admin.post(`${PREFIX}/api/2.0/mlflow/users/create`, {
      username: 'ann',
      password: 'ann has a long password',
    });
    expect(made.status).toBe(200);
    user = gateway.as('ann', 'ann has a long password');
  });

  test('the stock client works, for a user who may do no more than make things', async () => {
    const printed = await runPython(version, WORK, {
      NAME: name,
      MLFLOW_TRACKING_URI: `${gateway.url}${PREFIX}`,
      MLFLOW_TRACKING_USERNAME: user.username,
      MLFLOW_TRACKING_PASSWORD: user.password,
    });
    made = JSON.parse(printed.trim().split('\n').at(-1) ?? '');
  });

  test('every family of paths answers', async () => {
    const statuses: Record<string, number> = {};
    const ask = async (method: string, path: string, sent = {}) => {
      statuses[path] = (await user.send(method, `${PREFIX}${path}`, sent)).status;
    };
    await ask('GET', '/');
    await ask('GET', '/version');
    await ask('GET', `/ajax-api/2.0/mlflow/experiments/get?experiment_id=${made.experiment}`);
    await ask('GET', `/get-artifact?run_id=${made.run}&path=notes%2Fa%20b.txt`);
    await ask('POST', '/graphql', {
      json: { query: `{mlflowGetRun(input:{runId:"${made.run}"}){run{info{runId}}}}` },
    });
    if (!isMlflow2(version)) {
      await ask('GET', '/ajax-api/3.0/mlflow/server-info');
    }
    expect(statuses).toEqual(Object.fromEntries(Object.keys(statuses).map((path) => [path, 200])));
  });

  test.skipIf(isMlflow2(version))('spans arrive by OTLP', async () => {
    const headers = { 'content-type': 'application/x-protobuf', 'x-mlflow-experiment-id': made.experiment };
    const { status, text } = await user.send('POST', `${PREFIX}/v1/traces`, {
      raw: new Uint8Array(),
      headers,
    });
    // It has no span; a path that is not there would be a 404.
    expect([status, text.length > 0]).toEqual([400, true]);
  });

  test('another user sees nothing of it', async () => {
    const { status } = await gateway.admin.post(`${PREFIX}/api/2.0/mlflow/users/create`, {
      username: 'eve',
      password: 'eve has a long password',
    });
    expect(status).toBe(200);
    const eve = gateway.as('eve', 'eve has a long password');
    const run = await eve.get(`${PREFIX}/api/2.0/mlflow/runs/get?run_id=${made.run}`);
    const artifact = await eve.get(`${PREFIX}/get-artifact?run_id=${made.run}&path=notes%2Fa%20b.txt`);
    expect([run.status, artifact.status]).toEqual([403, 403]);
  });

  test('a start tells whether the prefix is the right one', async () => {
    const problems = async (staticPrefix: string) =>
      (await look(mlflow.socketUri, { staticPrefix })).problems;
    expect(await problems(PREFIX)).toEqual([]);
    expect(await problems('')).toEqual([expect.stringContaining('set static_prefix to the same')]);
    expect(await problems('/other')).toEqual([
      expect.stringContaining('start it with --static-prefix /other'),
    ]);
  });

  test('nothing is served outside', async () => {
    for (const path of [
      '/',
      '/version',
      '/api/2.0/mlflow/experiments/search?max_results=1',
      '/static-files/x',
    ]) {
      expect([path, (await gateway.admin.get(path)).status]).toEqual([path, 404]);
    }
  });

  test('it is ready', async () => {
    const { status, text } = await gateway.anonymous.get('/ready');
    expect({ status, text }).toEqual({ status: 200, text: 'ready' });
  });

  describe('in a browser', () => {
    let browsers: Browsers;
    beforeAll(async () => {
      browsers = await installBrowsers();
    });
    afterAll(() => browsers.close());

    test('MLflow’s UI shows the experiment, without a failed call', async () => {
      const { page, takeTrouble } = await browsers.open(`${gateway.url}${PREFIX}/`, user);
      await page.goto(`${gateway.url}${PREFIX}/#/experiments/${made.experiment}/runs`);
      await page.getByText('1 matching run').first().waitFor();
      const outside = takeTrouble().filter((line) => / (?:404|5\d\d)$/.test(line));
      expect(outside).toEqual([]);

      const ours = page.getByRole('navigation', { name: 'MLflow access' });
      await ours.getByRole('link', { name: 'Share' }).click();
      await page.getByRole('row', { name: `${user.username} (you) Manage own grant` }).waitFor();
      expect(new URL(page.url()).pathname).toBe(`${PREFIX}/auth/share/experiment/${made.experiment}`);
      await page.getByRole('link', { name: 'Open in MLflow' }).click();
      await page.waitForURL(`**${PREFIX}/#/experiments/${made.experiment}**`);
      await ours.getByRole('link', { name: 'Share' }).waitFor();
      expect(takeTrouble().filter((line) => / (?:404|5\d\d)$/.test(line))).toEqual([]);
    });
  });
});
