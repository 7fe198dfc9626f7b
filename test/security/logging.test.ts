/**
 * GHSA-3p64-6gvh-82v5: nobody logs into another's run or logged model, be it one value, a batch, or what a run read
 * and made.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { createRun, grant, type Person } from '../support/gateway.ts';
import { MLFLOW_VERSIONS, NEWEST } from '../support/mlflow.ts';
import { useNeighbours } from '../support/use-gateway.ts';

const RUNS = '/api/2.0/mlflow/runs';
const METRIC = { key: 'm', value: 1, timestamp: 1, step: 0 };
const DATASET = { name: 'd', digest: 'x', source_type: 'local', source: '{}' };

/** What is logged into a run, in every way there is. */
const logged = (run_id: string): readonly (readonly [path: string, body: object])[] => [
  ['log-metric', { run_id, ...METRIC }],
  ['log-parameter', { run_id, key: 'p', value: 'v' }],
  ['set-tag', { run_id, key: 't', value: 'v' }],
  ['log-batch', { run_id, metrics: [METRIC] }],
  ['log-batch', { run_id, params: [{ key: 'p2', value: 'v' }] }],
  ['log-batch', { run_id, tags: [{ key: 't2', value: 'v' }] }],
  ['log-inputs', { run_id, datasets: [{ dataset: DATASET, tags: [{ key: 'k', value: 'v' }] }] }],
];

describe.each(MLFLOW_VERSIONS)('a run of MLflow %s', (version) => {
  let reader: Person;

  const { gateway, alice, bob, homes } = useNeighbours(version);
  beforeAll(async () => {
    reader = await gateway.person('reader');
    await grant(alice, reader, { experiment: homes.alice }, 'READ');
  });

  const stateOf = async (run: string) => (await gateway.admin.get(`${RUNS}/get?run_id=${run}`)).json.run;

  test('is logged into by a caller who may edit its experiment', async () => {
    const run = await createRun(alice, homes.alice);
    for (const [path, body] of logged(run)) {
      const { status, text } = await alice.post(`${RUNS}/${path}`, body);
      expect([path, status, text]).toEqual([path, 200, text]);
    }
    const { data, inputs } = await stateOf(run);
    expect(data.metrics.map(({ key }: { key: string }) => key)).toEqual(['m']);
    expect(data.params.map(({ key }: { key: string }) => key).sort()).toEqual(['p', 'p2']);
    expect(data.tags.map(({ key }: { key: string }) => key)).toEqual(expect.arrayContaining(['t', 't2']));
    expect(inputs.dataset_inputs).toHaveLength(1);
  });

  test('is not logged into by anybody else', async () => {
    const run = await createRun(alice, homes.alice);
    const before = await stateOf(run);
    for (const who of [bob, reader]) {
      for (const [path, body] of logged(run)) {
        const { status } = await who.post(`${RUNS}/${path}`, body);
        expect([who.username, path, status]).toEqual([who.username, path, 403]);
      }
    }
    expect(await stateOf(run)).toEqual(before);
  });

  test('is not logged into by a second spelling of its id beside one of one’s own', async () => {
    const run = await createRun(alice, homes.alice);
    const own = await createRun(bob, homes.bob);
    const before = await stateOf(run);
    for (const [path, body] of logged(own)) {
      for (const more of [{ runId: run }, { run_uuid: run }, { runUuid: run }]) {
        const { status } = await bob.post(`${RUNS}/${path}`, { ...body, ...more });
        // MLflow has no run_uuid in some of them, and reads nothing there.
        if (status !== 200) {
          expect([400, 403]).toContain(status);
        }
      }
    }
    expect(await stateOf(run)).toEqual(before);
  });
});

describe('a logged model of MLflow 3.17.2', () => {
  const { alice, bob, homes } = useNeighbours(NEWEST);

  const newModel = async (by: Person, experiment_id: string) =>
    (await by.post('/api/2.0/mlflow/logged-models', { experiment_id, name: 'm' })).json.model.info
      .model_id as string;

  test('gets no metric, and is no input or output, from a run of a user who may not edit it', async () => {
    await grant(alice, bob, { experiment: homes.alice }, 'READ');
    const run_id = await createRun(bob, homes.bob);
    const [foreign, own] = [await newModel(alice, homes.alice), await newModel(bob, homes.bob)];
    const naming = (model_id: string) =>
      [
        ['log-metric', { run_id, ...METRIC, model_id }],
        ['log-batch', { run_id, metrics: [METRIC, { ...METRIC, key: 'n', model_id }] }],
        ['log-batch', { run_id, metrics: [METRIC, { ...METRIC, key: 'n', modelId: model_id }] }],
        ['log-inputs', { run_id, models: [{ model_id }] }],
        ['outputs', { run_id, models: [{ model_id, step: 0 }] }],
      ] as const;
    for (const [path, body] of naming(foreign)) {
      expect([path, (await bob.post(`${RUNS}/${path}`, body)).status]).toEqual([path, 403]);
    }
    const { json } = await alice.get(`/api/2.0/mlflow/logged-models/${foreign}`);
    expect(json.model.data?.metrics ?? []).toEqual([]);
    for (const [path, body] of naming(own)) {
      const { status, text } = await bob.post(`${RUNS}/${path}`, body);
      expect([path, status, text]).toEqual([path, 200, text]);
    }
  });
});
