import { beforeEach, expect, test } from 'vitest';
import { useGateway } from '../support/use-gateway.ts';

let from = 0;

const { gateway, upstream } = useGateway({ fake: true });
beforeEach(() => {
  from = gateway.log.length;
});

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const STREAMED = '/api/2.0/mlflow/experiments/get?experiment_id=1';
const READ_WHOLE = '/api/2.0/mlflow/experiments/search?max_results=1';
const idsInLog = () =>
  gateway.log
    .slice(from)
    .filter(({ msg }) => msg === 'request')
    .map(({ request_id }) => request_id);

test.each([STREAMED, READ_WHOLE])(
  'a client’s own id of %s is answered, logged and sent on',
  async (target) => {
    for (const id of ['a', 'Az09._-', 'x'.repeat(128)]) {
      upstream.answer((request, response) => {
        response.writeHead(200, { 'x-request-id': 'of-the-upstream', 'content-type': 'application/json' });
        response.end(JSON.stringify({ experiments: [], seen: request.headers['x-request-id'] }));
      });
      const answer = await gateway.admin.get(target, { headers: { 'x-request-id': id } });
      upstream.answer(undefined);
      expect([answer.headers['x-request-id'], answer.json.seen]).toEqual([id, id]);
      await expect.poll(idsInLog).toContain(id);
    }
  },
);

test.each(['', 'x'.repeat(129), 'a b', 'a,b', 'ü', '"', 'a/b'])(
  '%j is no id: a new one stands in its place',
  async (id) => {
    const headers = { 'x-request-id': Buffer.from(id).toString('latin1') };
    const arrived = upstream.arrived.length;
    const answers = [
      await gateway.admin.get(STREAMED, { headers }),
      await gateway.admin.get(STREAMED, { headers }),
    ];
    const ids = answers.map((answer) => answer.headers['x-request-id']);
    expect(ids).toEqual([expect.stringMatching(UUID), expect.stringMatching(UUID)]);
    expect(new Set(ids).size).toBe(2);
    expect(upstream.arrived.slice(arrived).map((request) => request.headers['x-request-id'])).toEqual(ids);
    await expect.poll(idsInLog).toEqual(ids);
  },
);

test.each([
  ['a refusal', '/api/2.0/mlflow/nothing', 'GET'],
  ['a target that is refused', '/api//x', 'GET'],
  ['a target that no router takes', '/%', 'GET'],
  ['OPTIONS', '/', 'OPTIONS'],
  ['a public page', '/health', 'GET'],
  ['a page of the gateway', '/signup', 'GET'],
])('%s has it', async (_what, target, method) => {
  for (const who of [gateway.anonymous, gateway.admin]) {
    const { headers } = await who.send(method, target, { headers: { 'x-request-id': 'mine' } });
    expect(headers['x-request-id']).toBe('mine');
  }
});

test('the audit log has it', async () => {
  const headers = { 'x-request-id': 'to-be-found' };
  await gateway.as('nobody', 'a wrong password').get(STREAMED, { headers });
  const found = async () =>
    (await gateway.admin.get('/api/2.0/mlflow/audit/search?request_id=to-be-found')).json.entries.length;
  await expect.poll(found, { timeout: 5000 }).toBe(1);
});
