/** Grants on all runs, traces or logged models at once, which decide before those on the experiment. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createExperiment,
  createRun,
  type Person,
  startGateway,
  type TestGateway,
  unique,
} from '../support/gateway.ts';
import { sharedMlflow } from '../support/mlflow.ts';

const A2 = '/api/2.0/mlflow';
const A3 = '/api/3.0/mlflow';

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway((await sharedMlflow('3.17.2')).socketUri);
});
afterAll(() => gateway.close());

async function holding(...grants: [type: string, id: string, permission: string][]): Promise<Person> {
  const who = await gateway.person('holder');
  for (const [resource_type, resource_id, permission] of grants) {
    const grant = { username: who.username, resource_type, resource_id, permission };
    const answer = await gateway.admin.post(`${A3}/users/permissions/grant`, grant);
    if (answer.status !== 200) throw new Error(`no grant: ${answer.text}`);
  }
  return who;
}

async function attempts(who: Person, experiment_id: string, run_id: string) {
  const query = JSON.stringify({ query: `{mlflowGetRun(input:{runId:"${run_id}"}){run{info{runId}}}}` });
  const document = await who.post('/graphql', JSON.parse(query));
  return {
    experiment: (await who.get(`${A2}/experiments/get?experiment_id=${experiment_id}`)).status,
    read: (await who.get(`${A2}/runs/get?run_id=${run_id}`)).status,
    tag: (await who.post(`${A2}/runs/set-tag`, { run_id, key: 'k', value: 'v' })).status,
    create: (await who.post(`${A2}/runs/create`, { experiment_id, start_time: 1 })).status,
    search: (await who.post(`${A2}/runs/search`, { experiment_ids: [experiment_id] })).status,
    artifact: (await who.get(`/api/2.0/mlflow-artifacts/artifacts/${experiment_id}/${run_id}/artifacts/x`))
      .status,
    graphql: document.json.data?.mlflowGetRun?.run != null,
  };
}

describe('grants on all runs', () => {
  test.each<[grants: [string, string][], seen: Record<string, unknown>]>([
    [
      [
        ['experiment', 'EDIT'],
        ['run', 'DENY'],
      ],
      { experiment: 200, read: 403, tag: 403, create: 403, search: 403, artifact: 403, graphql: false },
    ],
    [
      [
        ['experiment', 'EDIT'],
        ['run', 'READ'],
      ],
      { experiment: 200, read: 200, tag: 403, create: 200, search: 200, artifact: 404, graphql: true },
    ],
    [
      [
        ['experiment', 'READ'],
        ['run', 'EDIT'],
      ],
      { experiment: 200, read: 200, tag: 200, create: 403, search: 200, artifact: 404, graphql: true },
    ],
    [
      [['run', 'MANAGE']],
      { experiment: 403, read: 403, tag: 403, create: 403, search: 200, artifact: 403, graphql: false },
    ],
  ])('%j', async (grants, seen) => {
    const experiment = await createExperiment(gateway.admin);
    const run = await createRun(gateway.admin, experiment);
    const who = await holding(
      ...grants.map(([type, permission]): [string, string, string] => [
        type,
        type === 'run' ? '*' : experiment,
        permission,
      ]),
    );
    expect(await attempts(who, experiment, run)).toEqual(seen);
  });
});

test('DENY on all traces or logged models leaves the runs, and takes away what it names', async () => {
  const experiment_id = await createExperiment(gateway.admin, unique('parts'));
  const run_id = await createRun(gateway.admin, experiment_id);
  const who = await holding(
    ['experiment', experiment_id, 'MANAGE'],
    ['trace', '*', 'DENY'],
    ['logged_model', '*', 'DENY'],
  );
  const locations = [{ type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id } }];
  const deletion = { experiment_id, max_timestamp_millis: 1 };
  const statuses = {
    run: (await who.get(`${A2}/runs/get?run_id=${run_id}`)).status,
    traces: (await who.post(`${A3}/traces/search`, { locations })).status,
    deletion: (await who.post(`${A3}/traces/delete-traces`, deletion)).status,
    models: (await who.post(`${A2}/logged-models/search`, { experiment_ids: [experiment_id] })).status,
    model: (await who.post(`${A2}/logged-models`, { experiment_id, name: 'm' })).status,
  };
  expect(statuses).toEqual({ run: 200, traces: 403, deletion: 403, models: 403, model: 403 });
});
