import { describe, expect, test } from 'vitest';
import { useGateway } from '../support/use-gateway.ts';

const { gateway, upstream, alice } = useGateway({
  fake: true,
  settings: { max_json_body_bytes: '65536' },
  people: ['alice'],
});

const CREATE = '/api/2.0/mlflow/experiments/create';
const JSON_TYPE = { 'content-type': 'application/json' };

describe('a body that is read', () => {
  test('may be as large as the setting says, and no larger, whether its length is told or not', async () => {
    const body = (size: number) => `{"name":"${'x'.repeat(size - 11)}"}`;
    const send = (raw: string, headers: Record<string, string> = {}) =>
      alice.send('POST', CREATE, { raw, headers: { ...JSON_TYPE, ...headers } });
    upstream.answer((_request, response) => response.end('{"experiment_id":"7"}'));
    expect((await send(body(65_536))).status).toBe(200);
    upstream.answer(undefined);
    const tooLarge = await send(body(65_537));
    expect([tooLarge.status, tooLarge.json.error_code]).toEqual([413, 'BAD_REQUEST']);
    expect(tooLarge.text).toContain('65536');
  });

  test('is refused when it is packed: nobody would look into it', async () => {
    const headers = { ...JSON_TYPE, 'content-encoding': 'gzip' };
    expect((await alice.send('POST', CREATE, { raw: 'x', headers })).status).toBe(415);
  });

  test('must be JSON that is read one way only', async () => {
    const before = upstream.arrived.length;
    for (const raw of [
      '{"name":"a","name":"b"}',
      '[]',
      '"{}"',
      '{"name":',
      '\ufeff{"name":"a"}',
      '{"name":1}',
    ]) {
      expect((await alice.send('POST', CREATE, { raw, headers: JSON_TYPE })).status, raw).toBe(400);
    }
    expect(upstream.arrived).toHaveLength(before);
  });

  test('comes without a query', async () => {
    const answer = await alice.post(`${CREATE}?name=other`, { name: 'x' });
    expect(answer.status).toBe(400);
  });
});

test('what an admin sends is left to MLflow to refuse', async () => {
  for (const raw of ['{"name":1}', '{"name":', '[]']) {
    const answer = await gateway.admin.send('POST', CREATE, { raw, headers: JSON_TYPE });
    expect(answer.status).toBe(200);
    expect(upstream.arrived.at(-1)?.body.toString()).toBe(raw);
  }
});
