import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRun, type TestGateway } from '../../support/gateway.ts';
import { MLFLOW_VERSIONS } from '../../support/mlflow.ts';
import { type Neighbours, startNeighbours } from '../../support/neighbours.ts';

describe.each(MLFLOW_VERSIONS)('GraphQL in front of MLflow %s', (version) => {
  let neighbours: Neighbours & { readonly gateway: TestGateway };
  beforeAll(async () => {
    neighbours = await startNeighbours(version);
  });
  afterAll(() => neighbours.gateway.close());

  test('a search of several experiments shows the runs of those that may be read, as by REST', async () => {
    const { alice, bob, alices, bobs } = neighbours;
    const [hers] = [await createRun(alice, alices), await createRun(bob, bobs)];
    const query =
      'mutation SearchRuns($data: MlflowSearchRunsInput!) { mlflowSearchRuns(input: $data) { runs { info { runId } } } }';
    const search = (experimentIds: readonly string[]) =>
      alice.post('/graphql', { operationName: 'SearchRuns', query, variables: { data: { experimentIds } } });
    const runs = (...ids: string[]) => ({
      mlflowSearchRuns: { runs: ids.map((runId) => ({ info: { runId } })) },
    });
    for (const ids of [
      [alices, bobs],
      [bobs, alices],
    ]) {
      const { status, json } = await search(ids);
      expect([status, json]).toEqual([200, { data: runs(hers), errors: null }]);
    }
    expect((await search([bobs])).json).toEqual({ data: runs(), errors: null });

    const hidden = await alice.post('/graphql', {
      query: `{mlflowGetExperiment(input:{experimentId:"${bobs}"}){experiment{name}}}`,
    });
    const byRest = await alice.get(`/api/2.0/mlflow/experiments/get?experiment_id=${bobs}`);
    expect(hidden.json).toEqual({
      data: { mlflowGetExperiment: null },
      errors: [byRest.json.message.replace(/ Request id: \S+$/, '')],
    });
  });
});
