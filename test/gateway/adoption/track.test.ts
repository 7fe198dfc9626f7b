import { expect, test } from 'vitest';
import { useGateway } from '../../support/use-gateway.ts';

const { gateway, upstream, alice } = useGateway({ fake: true, people: ['alice'] });

test.each([
  ['refused', 400, 0],
  ['not there', 404, 0],
  // What MLflow answers where its AI gateway is turned off.
  ['not implemented', 501, 0],
  ['broken', 500, 1],
  ['busy', 503, 1],
])(
  'an intent whose answer is "%s" stays open only if something may have happened',
  async (_, status, open) => {
    const { intents } = gateway.server.store;
    const before = (await intents.list()).length;
    upstream.answer((request, response) => {
      request.resume();
      response.writeHead(status).end('{}');
    });
    const asked = { secret_name: 'mine', secret_value: {} };
    expect((await alice.post('/api/3.0/mlflow/gateway/secrets/create', asked)).status).toBe(status);
    expect((await intents.list()).length).toBe(before + open);
  },
);

test('nobody lies in wait for a name by making MLflow fail at it', async () => {
  const { intents } = gateway.server.store;
  for (const { id } of await intents.list()) {
    await intents.close(id);
  }
  upstream.answer((request, response) => {
    request.resume();
    response.writeHead(request.method === 'POST' ? 500 : 404).end('{}');
  });
  const asked = { name: 'a-name', tags: [{ key: 'k', value: 'no text for PostgreSQL: \0' }] };
  expect((await alice.post('/api/2.0/mlflow/experiments/create', asked)).status).toBe(500);
  expect(await intents.list()).toEqual([]);
});
