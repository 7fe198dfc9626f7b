/**
 * Invariant 3: an answer that does not say what was created grants nothing. The name in the request must not stand
 * in for the id: an experiment can be *named* 7, and a caller who manages its name would manage experiment 7.
 */
import { beforeAll, expect, test } from 'vitest';
import { useGateway } from '../support/use-gateway.ts';

const { gateway, upstream, owner, stranger } = useGateway({ fake: true, people: ['owner', 'stranger'] });
beforeAll(async () => {
  const { users, grants } = gateway.server.store;
  const { id = 0 } = (await users.get(owner.username)) ?? {};
  for (const kind of ['experiment', 'registered_model', 'mcp_server']) {
    await grants.create(id, kind, '7', 'MANAGE');
  }
});

const CREATES = [
  ['experiment', '/api/2.0/mlflow/experiments/create'],
  ['registered_model', '/api/2.0/mlflow/registered-models/create'],
  ['mcp_server', '/api/3.0/mlflow/mcp-servers'],
] as const;

const ANSWERS: readonly (readonly [string, string])[] = [
  ['an empty object', '{}'],
  ['nothing', ''],
  ['a page of some proxy', '<html>We are back soon</html>'],
  ['a number for the id', '{"experiment_id":7,"registered_model":{"name":7},"name":7}'],
  ['an empty id', '{"experiment_id":"","registered_model":{"name":""},"name":""}'],
];

test.each(CREATES.flatMap(([kind, target]) => ANSWERS.map(([what, body]) => ({ kind, target, what, body }))))(
  'creating what it calls $kind, answered by $what, grants nothing and takes nothing',
  async ({ kind, target, body }) => {
    upstream.answer((request, response) => {
      request.resume();
      response.end(body);
    });
    expect((await stranger.post(target, { name: '7' })).status).toBe(503);
    const holders = await gateway.server.store.grants.forResource(kind, '7');
    expect(holders.map(({ holder }) => 'username' in holder && holder.username)).toEqual([owner.username]);
  },
);
