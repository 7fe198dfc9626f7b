import { describe, expect, test } from 'vitest';
import { createRun } from '../../support/gateway.ts';
import { MLFLOW_VERSIONS } from '../../support/mlflow.ts';
import { useNeighbours } from '../../support/use-gateway.ts';

describe.each(MLFLOW_VERSIONS)('GraphQL in front of MLflow %s', (version) => {
  const { alice, bob, homes } = useNeighbours(version);

  test('a search of several experiments shows the runs of those that may be read, as by REST', async () => {
    const [hers] = [await createRun(alice, homes.alice), await createRun(bob, homes.bob)];
    const query =
      'mutation SearchRuns($data: MlflowSearchRunsInput!) { mlflowSearchRuns(input: $data) { runs { info { runId } } } }';
    const search = (experimentIds: readonly string[]) =>
      alice.post('/graphql', { operationName: 'SearchRuns', query, variables: { data: { experimentIds } } });
    const runs = (...ids: string[]) => ({
      mlflowSearchRuns: { runs: ids.map((runId) => ({ info: { runId } })) },
    });
    for (const ids of [
      [homes.alice, homes.bob],
      [homes.bob, homes.alice],
    ]) {
      const { status, json } = await search(ids);
      expect([status, json]).toEqual([200, { data: runs(hers), errors: null }]);
    }
    expect((await search([homes.bob])).json).toEqual({ data: runs(), errors: null });

    const hidden = await alice.post('/graphql', {
      query: `{mlflowGetExperiment(input:{experimentId:"${homes.bob}"}){experiment{name}}}`,
    });
    const byRest = await alice.get(`/api/2.0/mlflow/experiments/get?experiment_id=${homes.bob}`);
    const told = byRest.json.message.replace(
      byRest.headers['x-request-id'],
      String(hidden.headers['x-request-id']),
    );
    expect(hidden.json).toEqual({ data: { mlflowGetExperiment: null }, errors: [told] });
    expect(told).toContain(`Request id: ${hidden.headers['x-request-id']}.`);
  });
});
