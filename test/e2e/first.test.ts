import { describe, expect, test } from 'vitest';
import { createExperiment, createRun, grant, unique } from '../support/gateway.ts';
import { MLFLOW_VERSIONS } from '../support/mlflow.ts';
import { useGateway } from '../support/use-gateway.ts';

describe.each(MLFLOW_VERSIONS)('in front of MLflow %s', (version) => {
  const { gateway } = useGateway({ version });

  test('two users cannot see each other, the admin sees all', async () => {
    const alice = await gateway.person('alice');
    const bob = await gateway.person('bob');
    const name = unique('mine');
    const experiment = await createExperiment(alice, name);
    const run = await createRun(alice, experiment);

    expect((await alice.get(`/api/2.0/mlflow/runs/get?run_id=${run}`)).status).toBe(200);
    expect((await bob.get(`/api/2.0/mlflow/runs/get?run_id=${run}`)).status).toBe(403);
    expect((await bob.get(`/api/2.0/mlflow/experiments/get?experiment_id=${experiment}`)).status).toBe(403);
    const seen = async (who: typeof bob) =>
      (await who.post('/api/2.0/mlflow/experiments/search', { max_results: 1000 })).json.experiments?.map(
        (each: { name: string }) => each.name,
      ) ?? [];
    expect(await seen(bob)).toEqual([]);
    expect(await seen(alice)).toEqual([name]);
    expect(await seen(gateway.admin)).toContain(name);

    await grant(alice, bob, { experiment }, 'READ');
    expect((await bob.get(`/api/2.0/mlflow/runs/get?run_id=${run}`)).status).toBe(200);
    expect(await seen(bob)).toEqual([name]);
    expect(
      (await bob.post('/api/2.0/mlflow/runs/set-tag', { run_id: run, key: 'a', value: 'b' })).status,
    ).toBe(403);
  });
});
