/** The pages that MLflow's menus and links lead an ordinary user to: not one asks for what fails. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Browsers, installBrowsers, type Seat } from '../../support/browser.ts';
import type { Person } from '../../support/gateway.ts';
import { isMlflow2, MLFLOW_VERSIONS } from '../../support/mlflow.ts';
import { encodeSpans } from '../../support/spans.ts';
import { newTraceId } from '../../support/traces.ts';
import { useGateway } from '../../support/use-gateway.ts';
import { unexpectedTrouble } from './trouble.ts';
import { doWork, type Work } from './work.ts';

/** What a user of MLflow 3 has besides. */
interface MoreWork {
  readonly prompt: string;
  readonly loggedModel: string;
  readonly dataset: string;
  readonly trace: string;
}

/** Where a page is, and a text that shows there once it is complete. */
type Visit = readonly [at: string, shows: string];

const A2 = '/api/2.0/mlflow';
const A3 = '/api/3.0/mlflow';

const list = (values: readonly unknown[]) => encodeURIComponent(JSON.stringify(values));

/** The pages that both have; {@link ordinary-user.test.ts} looks closer at some of them. */
function pagesOfBoth({ experiment: { id }, runs, model, mark }: Work): readonly Visit[] {
  const [first, second] = runs;
  const versions = encodeURIComponent(JSON.stringify({ 1: first.id }));
  const compared = list(runs.map((run) => run.id));
  return [
    [`/#/experiments/${id}/runs`, first.name],
    [`/#/experiments/${id}/runs?compareRunsMode=CHART`, second.name],
    [`/#/experiments/${id}/runs/${first.id}`, 'depth'],
    [`/#/experiments/${id}/runs/${first.id}/model-metrics`, `${first.name} (loss)`],
    [`/#/experiments/${id}/runs/${first.id}/artifacts`, 'notes.txt'],
    [`/#/compare-runs?runs=${compared}&experiments=${list([id])}`, 'Comparing 2 Runs from 1 Experiment'],
    ['/#/models', model],
    [`/#/models/${model}`, `made by ${mark}`],
    [`/#/compare-model-versions?name=${encodeURIComponent(JSON.stringify(model))}&runs=${versions}`, model],
  ];
}

const PAGES_OF_2 = ({ experiment: { id }, runs }: Work): readonly Visit[] => [
  ['/', 'Experiments'],
  [`/#/experiments/${id}?compareRunsMode=ARTIFACT`, runs[0].name],
  [`/#/experiments/${id}?compareRunsMode=TRACES`, 'Request ID'],
  [`/#/experiments/${id}/runs/${runs[0].id}/system-metrics`, 'No system metrics recorded'],
];

function pagesOf3(
  { experiment: { id, name }, runs }: Work,
  { prompt, loggedModel, dataset, trace }: MoreWork,
  others: Person,
): readonly Visit[] {
  const of = (path: string, shows: string): Visit => [`/#/experiments/${id}/${path}`, shows];
  const run = `runs/${runs[0].id}`;
  return [
    ['/', 'Welcome to MLflow'],
    ['/#/experiments', name],
    of('overview', 'Build a continuous quality loop'),
    of('overview/usage', 'Latency'),
    of('overview/quality', 'No assessments available'),
    of('overview/tool-calls', 'Tool calls'),
    of('traces?startTimeLabel=ALL', '1 of 1 trace'),
    of(`traces/${trace}?startTimeLabel=ALL`, '1 of 1 trace'),
    of('chat-sessions', 'The Sessions view has moved'),
    of('datasets', `${name}-dataset`),
    of(`datasets/${dataset}`, `Dataset ID: ${dataset}`),
    of('evaluation-runs', 'Run evaluation'),
    of('issues', 'Discover issues automatically'),
    of('issues/runs', 'No detection runs yet'),
    of('judges', 'Add a judge to your experiment'),
    of('models', 'Table view'),
    of(`models/${loggedModel}`, 'No parameters recorded'),
    of(`models/${loggedModel}/traces`, 'Start tracing your LLM application'),
    of(`models/${loggedModel}/artifacts`, 'No Artifacts Recorded'),
    of('playground', 'Select an endpoint'),
    of('prompts', 'Create your first prompt'),
    of(`prompts/${prompt}`, 'Viewing version 1'),
    of('review-queue', 'Set up human review for your traces'),
    of(`${run}/system-metrics`, 'No charts in this section'),
    of(`${run}/traces`, 'compare to'),
    of(`${run}/evaluations`, 'compare to'),
    ['/#/prompts', prompt],
    [`/#/prompts/${prompt}`, 'Viewing version 1'],
    ['/#/gateway', 'Get started with AI Gateway'],
    ['/#/gateway/endpoints/create', 'Enable usage tracking'],
    ['/#/gateway/usage', 'No usage data available'],
    ['/#/mcp-registry', 'Model Context Protocol'],
    ['/#/settings', 'Theme preference'],
    ['/#/settings/general', 'Enable telemetry'],
    ['/#/settings/llm-connections', 'Create and manage API keys'],
    ['/#/account', 'Change password'],
    ['/#/admin', others.username],
    [`/#/admin/users/${others.username}`, 'Edit access'],
    ['/#/no-such-page', 'Page Not Found'],
  ];
}

async function doMore(by: Person, { experiment: { id, name }, runs, mark }: Work): Promise<MoreWork> {
  const made = async (path: string, json: unknown) => {
    const { status, text, json: reply } = await by.post(path, json);
    expect(status, text).toBe(200);
    return reply;
  };
  const prompt = `${mark}-prompt`;
  const isPrompt = { key: 'mlflow.prompt.is_prompt', value: 'true' };
  await made(`${A2}/registered-models/create`, { name: prompt, tags: [isPrompt] });
  const text = { key: 'mlflow.prompt.text', value: 'Say {{word}}.' };
  await made(`${A2}/model-versions/create`, { name: prompt, source: 'dummy-source', tags: [isPrompt, text] });
  const { model } = await made(`${A2}/logged-models`, {
    experiment_id: id,
    name: `${mark}-logged`,
    source_run_id: runs[0].id,
  });
  const { dataset } = await made(`${A3}/datasets/create`, { name: `${name}-dataset`, experiment_ids: [id] });
  const trace = newTraceId();
  const spans = await by.send('POST', '/v1/traces', {
    raw: encodeSpans([{ trace: trace.slice('tr-'.length) }]),
    headers: { 'content-type': 'application/x-protobuf', 'x-mlflow-experiment-id': id },
  });
  expect(spans.status).toBe(200);
  return { prompt, loggedModel: model.info.model_id, dataset: dataset.dataset_id, trace };
}

/** What fails upstream too: MLflow asks for an address of the storage first, which local files have none of. */
const ASKED_IN_VAIN = ['GET /model-versions/get-artifact 501'];

describe.each(MLFLOW_VERSIONS)('of the pages of MLflow %s', (version) => {
  const { gateway, alice, bob } = useGateway({ version, people: ['alice', 'bob'] });
  let browsers: Browsers;
  let seat: Seat;
  let visits: readonly Visit[];

  beforeAll(async () => {
    browsers = await installBrowsers();
    const work = await doWork(alice, 'hers');
    visits = [
      ...pagesOfBoth(work),
      ...(isMlflow2(version) ? PAGES_OF_2(work) : pagesOf3(work, await doMore(alice, work), bob)),
    ];
    seat = await browsers.open(gateway.url, alice);
  });
  afterAll(() => browsers.close());

  test('none asks for anything that fails', { timeout: 900_000 }, async () => {
    expect(visits.length).toBeGreaterThan(isMlflow2(version) ? 12 : 45);
    const trouble: string[] = [];
    for (const [at, shows] of visits) {
      await seat.page.goto(at);
      await seat.page.getByText(shows).first().waitFor();
      trouble.push(...(await unexpectedTrouble(seat, ASKED_IN_VAIN)).map((line) => `${at}: ${line}`));
    }
    expect(trouble).toEqual([]);
  });
});
