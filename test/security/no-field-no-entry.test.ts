/**
 * Invariant 1: of what a user sends, MLflow gets the fields alone that its version declares. What no version declares is
 * refused: the next MLflow may find a run by it, or stop reading at it and drop what was judged.
 */
import { describe, expect, test } from 'vitest';
import { type Operation, operationsOf } from '../../src/mlflow/table/match.ts';
import { ROUTES } from '../../src/routes.ts';
import { FOREIGN, OURS, startEverybody } from '../support/everybody.ts';
import { createExperiment, createRun, unique } from '../support/gateway.ts';
import { NEWEST, STARTED } from '../support/mlflow.ts';
import { sampleRequests } from '../support/sample-request.ts';
import { openGateway, useEverybody, useGateway } from '../support/use-gateway.ts';

const A2 = '/api/2.0/mlflow';
const A3 = '/api/3.0/mlflow';

const operations = operationsOf(ROUTES);

function operationNamed(name: string): Operation {
  const operation = operations.find((each) => each.name === name);
  if (operation === undefined) {
    throw new Error(`the table has no ${name}`);
  }
  return operation;
}

describe('in every row, a field that no MLflow declares', () => {
  const everybody = useEverybody();

  const judged = operations.filter(
    ({ need, reading }) =>
      reading.fields === 'declared' &&
      reading.body === 'json' &&
      !['public', 'admin', 'nobody'].includes(need),
  );

  test.each(judged.map((operation) => [operation.name, operation] as const))(
    'is refused to users, and not to an admin: %s',
    async (_name, operation) => {
      for (const sample of sampleRequests(operation, OURS)) {
        const more =
          operation.method === 'GET'
            ? { ...sample, target: `${sample.target}${sample.target.includes('?') ? '&' : '?'}unheard_of=1` }
            : { ...sample, body: JSON.stringify({ ...JSON.parse(sample.body ?? '{}'), unheard_of: 1 }) };
        const user = await everybody.send('MANAGE', more);
        expect.soft([user.status, user.arrived], sample.target).toEqual([400, undefined]);
        expect.soft(user.text, sample.target).toContain("'unheard_of'");
        const admin = await everybody.send('admin', more);
        expect.soft(admin.status, sample.target).not.toBe(400);
      }
    },
  );

  test('is said not to be there, with what to do', async () => {
    const [sample] = sampleRequests(operationNamed('POST 2.0 runs/update'), OURS);
    if (sample === undefined) {
      throw new Error('no request was made');
    }
    const body = JSON.stringify({ run_id: OURS.run, owner: 'me' });
    expect((await everybody.send('MANAGE', { ...sample, body })).json).toEqual({
      error_code: 'INVALID_PARAMETER_VALUE',
      message: "Unknown parameter 'owner': leave it out of this request. Only an admin may send it.",
    });
  });
});

describe.each(['3.19.0', '3.5.0', '2.15.1'])('in front of a server that says it is MLflow %s', (version) => {
  const { alice } = useGateway({
    fake: true,
    version,
    settings: { default_permission: 'MANAGE' },
    people: ['alice'],
  });

  test.each([
    [
      'in a message in a list',
      { experiment_id: '7', tags: [{ key: 'a', value: 'b', scope: 'all' }] },
      'tags[0].scope',
    ],
    ['in its other spelling', { experiment_id: '7', runOwner: 'bob' }, 'runOwner'],
    ['with the name of another message’s', { experiment_id: '7', metric_key: 'x' }, 'metric_key'],
    ['empty', { experiment_id: '7', unheard_of: null }, 'unheard_of'],
  ])('an unknown field is refused: %s', async (_where, body, name) => {
    const answer = await alice.post(`${A2}/runs/create`, body);
    expect([answer.status, answer.json?.message]).toEqual([400, expect.stringContaining(`'${name}'`)]);
  });

  test('an unknown operation is refused', async () => {
    expect((await alice.post(`${A3}/experiments/share`, { experiment_id: '7' })).status).toBe(403);
  });
});

describe('a field that other versions declare', () => {
  test('is left out in front of one that does not, every number as it stood', async () => {
    const everybody = await startEverybody('2.15.1');
    try {
      // The version is known once the gateway has greeted its upstream.
      await expect.poll(() => everybody.gateway.log.some((line) => line['version'] === '2.15.1')).toBe(true);
      const [sample] = sampleRequests(operationNamed('POST 2.0 runs/log-batch'), OURS);
      if (sample === undefined) {
        throw new Error('no request was made');
      }
      const metric = (more: string) =>
        `{"key":"a","value":1.50,"timestamp":1,"step":9007199254740993${more}}`;
      const batch = (more: string) =>
        `{"run_id":"${OURS.run}","metrics":[${metric(more)},${metric('')}],"tags":[]}`;
      const body = batch(`,"model_id":"${FOREIGN.logged_model}","datasetName":"d"`);
      const { status, arrived } = await everybody.send('EDIT', { ...sample, body });
      expect([status, arrived]).toEqual([200, batch('')]);
    } finally {
      await everybody.close();
    }
  });

  test.each([
    ['2.15.1', 'name=a%20b&version=1&path=x'],
    ['3.18.0', 'name=a%20b&presigned=true&version=1&path=x'],
  ])('is left out of a query too: MLflow %s is asked for %s', async (version, query) => {
    const { gateway, upstream, alice } = await openGateway({
      fake: true,
      version,
      settings: { default_permission: 'MANAGE' },
      people: ['alice'],
    });
    // The version is known once the gateway has greeted its upstream.
    await expect.poll(() => gateway.log.some((line) => line['version'] === version)).toBe(true);
    await alice.get('/model-versions/get-artifact?name=a%20b&presigned=true&version=1&path=x');
    expect(upstream.arrived.at(-1)?.url).toBe(`/model-versions/get-artifact?${query}`);
  });
});

describe('a search judged by a field of its body', () => {
  const issue = (experiment_id: string) => ({ experiment_id, name: unique('issue'), description: 'd' });

  test.each([NEWEST, STARTED])(
    'shows issues of its own experiment alone, in front of MLflow %s',
    async (version) => {
      const { alice, bob } = await openGateway({
        version: NEWEST,
        says: version,
        people: ['alice', 'bob'],
      });
      const [hers, his] = [await createExperiment(alice), await createExperiment(bob)];
      expect((await alice.post(`${A3}/issues`, issue(hers))).status).toBe(200);
      expect((await bob.post(`${A3}/issues`, issue(his))).status).toBe(200);
      const search = (more: object) => alice.post(`${A3}/issues/search`, { ...more, experiment_id: hers });
      // protobuf stops at the first and drops the experiment.
      expect((await search({ includeTotalCount: 'zz' })).json?.issues ?? []).not.toContainEqual(
        expect.objectContaining({ experiment_id: his }),
      );
      expect((await search({ unheard_of: 1 })).status).toBe(400);
      const { status, json } = await search({ max_results: 10 });
      expect([status, json.issues.map((each: { experiment_id: string }) => each.experiment_id)]).toEqual([
        200,
        [hers],
      ]);
    },
  );

  test('in front of one that declares the field, it must be of its type', async () => {
    const { alice } = await openGateway({ version: NEWEST, people: ['alice'] });
    const experiment_id = await createExperiment(alice);
    await createRun(alice, experiment_id);
    const search = { includeTotalCount: 'zz', experiment_id };
    expect((await alice.post(`${A3}/issues/search`, search)).status).toBe(400);
  });
});
