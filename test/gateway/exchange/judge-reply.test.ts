import { expect, test } from 'vitest';
import { grant } from '../../support/gateway.ts';
import { useGateway } from '../../support/use-gateway.ts';

const GET = '/api/2.0/mlflow/experiments/get-by-name?experiment_name=churn%20%22q%22';
const REFUSAL =
  'Permission denied. This needs READ on experiment "churn \\"q\\"". Ask a user who holds MANAGE on it, or an admin. Request id: r-1.';
const SENT = { headers: { 'x-request-id': 'r-1' } };

const { gateway, upstream, alice } = useGateway({ fake: true, people: ['alice'] });

const answers = (status: number, body: unknown) =>
  upstream.answer((_request, response) => response.writeHead(status).end(JSON.stringify(body)));

test('what stands in the reply alone is refused by the name that was asked for, without a word of the reply', async () => {
  answers(200, { experiment: { experiment_id: '712', name: 'churn' } });
  const { status, text, json } = await alice.get(GET, SENT);
  expect([status, json]).toEqual([403, { error_code: 'PERMISSION_DENIED', message: REFUSAL }]);
  expect(text).not.toContain('712');
  await grant(gateway.admin, alice, { experiment: '712' }, 'READ');
  expect((await alice.get(GET)).json).toEqual({ experiment: { experiment_id: '712', name: 'churn' } });
});

test.each([
  [{}],
  [{ experiment: {} }],
  [{ experiment: { experiment_id: 712 } }],
  [{ experiment: { experiment_id: '' } }],
])(
  'a reply that names nothing is refused in the same words, to a caller who may read all experiments too: %j',
  async (reply) => {
    const reader = await gateway.person('reader');
    const user = await gateway.server.store.users.get(reader.username);
    await gateway.server.store.grants.create(user?.id ?? 0, 'experiment', '*', 'READ');
    answers(200, reply);
    const { status, json } = await reader.get(GET, SENT);
    expect([status, json.message]).toEqual([403, REFUSAL]);
  },
);

test('a name that is free is told', async () => {
  answers(404, { error_code: 'RESOURCE_DOES_NOT_EXIST', message: 'No such experiment' });
  expect((await alice.get(GET)).status).toBe(404);
});
