/** What programs send that are not MLflow's own client of today, in front of the newest and the oldest MLflow. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createExperiment, type Person, startGateway, type TestGateway, unique } from '../support/gateway.ts';
import { isMlflow2, MLFLOW_VERSIONS, sharedMlflow } from '../support/mlflow.ts';

const API = '/api/2.0/mlflow';

describe.each(MLFLOW_VERSIONS)('in front of MLflow %s', (version) => {
  let gateway: TestGateway;
  let owner: Person;
  let stranger: Person;
  let experiment: string;
  let model: string;

  beforeAll(async () => {
    gateway = await startGateway((await sharedMlflow(version)).socketUri);
    [owner, stranger] = [await gateway.person('owner'), await gateway.person('stranger')];
    experiment = await createExperiment(owner);
    model = unique('model');
    expect((await owner.post(`${API}/registered-models/create`, { name: model })).status).toBe(200);
  });
  afterAll(() => gateway.close());

  const getWith = (who: Person, path: string, body: unknown) =>
    who.send('GET', `${API}/${path}`, { raw: JSON.stringify(body) });

  test('a GET with its parameters in a body, as mlflow-export-import and curl send it', async () => {
    for (const who of [owner, gateway.admin]) {
      const got = await getWith(who, 'registered-models/get', { name: model });
      expect([got.status, got.json?.registered_model?.name]).toEqual([200, model]);
      const found = await getWith(who, 'experiments/get', { experiment_id: experiment });
      expect(found.json.experiment.experiment_id).toBe(experiment);
      const listed = await getWith(who, 'registered-models/search', {
        filter: `name = '${model}'`,
        max_results: 5,
        order_by: ['name'],
      });
      expect(listed.json.registered_models).toHaveLength(1);
    }
    expect((await getWith(stranger, 'registered-models/get', { name: model })).status).toBe(403);
    expect((await getWith(stranger, 'experiments/get', { experiment_id: experiment })).status).toBe(403);
    const listed = await getWith(stranger, 'registered-models/search', { filter: `name = '${model}'` });
    expect(listed.json).toEqual({});
  });

  test.runIf(isMlflow2(version))('ids of experiments as numbers, as MLFlowClient.jl sends them', async () => {
    const experiment_id = Number(experiment);
    const created = await owner.post(`${API}/runs/create`, { experiment_id, start_time: 1, tags: [] });
    expect([created.status, created.json?.run?.info?.experiment_id]).toEqual([200, experiment]);
    const search = (who: Person, ids: readonly unknown[]) =>
      who.post(`${API}/runs/search`, { experiment_ids: ids, max_results: 10 });
    for (const ids of [[experiment_id], [0, experiment_id], [experiment, experiment_id]]) {
      expect((await search(owner, ids)).json.runs).toHaveLength(1);
      expect((await search(stranger, ids)).json).toEqual({});
    }
    const tag = { experiment_id, key: 'a', value: 'b' };
    const tagged = (who: Person) => who.post(`${API}/experiments/set-experiment-tag`, tag);
    expect([(await tagged(owner)).status, (await tagged(stranger)).status]).toEqual([200, 403]);
    expect((await stranger.post(`${API}/runs/create`, { experiment_id })).status).toBe(403);
  });

  test('the slash of an address doubled before the path', async () => {
    const got = await owner.get(`/${API}/experiments/get?experiment_id=${experiment}`);
    expect(got.json.experiment.experiment_id).toBe(experiment);
    expect((await stranger.get(`/${API}/experiments/get?experiment_id=${experiment}`)).status).toBe(403);
  });

  test('an artifact path that is none is told in the words of MLflow', async () => {
    for (const path of [
      `/api/2.0/mlflow-artifacts/artifacts/${experiment}/../x`,
      `/api//2.0/mlflow-artifacts`,
    ]) {
      const { status, json } = await owner.get(path);
      expect([status, json]).toEqual([
        400,
        { error_code: 'INVALID_PARAMETER_VALUE', message: 'Invalid path' },
      ]);
    }
  });
});
