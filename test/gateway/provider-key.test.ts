import type { IncomingHttpHeaders } from 'node:http';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { useGateway } from '../support/use-gateway.ts';

/** Headers of what is sent on to the upstream. */
const arrived: IncomingHttpHeaders[] = [];
let own: string;

/** The upstream has one endpoint. */
const { gateway, caller } = useGateway({
  fake: (request, response) => {
    request.resume();
    if (request.method === 'POST') {
      arrived.push(request.headers);
    }
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ endpoint: { endpoint_id: 'e-1' } }));
  },
  people: ['caller'],
});
beforeAll(async () => {
  own = `Basic ${Buffer.from(`${caller.username}:${caller.password}`).toString('base64')}`;
  const granted = await gateway.admin.post('/api/3.0/mlflow/users/permissions/grant', {
    username: caller.username,
    resource_type: 'gateway_endpoint',
    resource_id: 'e-1',
    permission: 'USE',
  });
  expect(granted.status).toBe(200);
});
beforeEach(() => {
  arrived.length = 0;
});

const call = (headers: Record<string, string>, path = '/gateway/openai/v1/chat/completions') =>
  gateway.anonymous.send('POST', path, { json: { model: 'mine', messages: [] }, headers });

describe('a call of a model', () => {
  test('takes the provider’s key along where the caller’s credentials stand in their own header', async () => {
    const answer = await call({ authorization: 'Bearer key', 'x-mlflow-authorization': own });
    expect(answer.status).toBe(200);
    expect(arrived).toHaveLength(1);
    expect(arrived[0]).toMatchObject({ authorization: 'Bearer key' });
    expect(arrived[0]).not.toHaveProperty('x-mlflow-authorization');
  });

  test('names no trace that MLflow would write a span of its own into', async () => {
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    expect((await call({ authorization: own, traceparent, tracestate: 'a=b' })).status).toBe(200);
    expect(arrived[0]).not.toHaveProperty('traceparent');
    expect(arrived[0]).not.toHaveProperty('tracestate');
  });

  test.each([
    ['alone', {}],
    ['beside an empty header', { 'x-mlflow-authorization': '' }],
  ])('keeps the caller’s credentials %s from the provider', async (_how, more) => {
    expect((await call({ authorization: own, ...more })).status).toBe(200);
    expect(arrived[0]).not.toHaveProperty('authorization');
  });

  test('takes no Basic credentials for a provider’s key', async () => {
    expect((await call({ authorization: own, 'x-mlflow-authorization': own })).status).toBe(200);
    expect(arrived[0]).not.toHaveProperty('authorization');
  });

  test('is refused with wrong credentials in the header that counts, whatever stands in the other', async () => {
    expect((await call({ authorization: own, 'x-mlflow-authorization': 'Basic wrong' })).status).toBe(401);
    expect((await call({ authorization: 'Bearer key' })).status).toBe(401);
    expect(arrived).toEqual([]);
  });

  test('cannot skip guardrails', async () => {
    await call({ authorization: own, 'x-mlflow-guardrail-bypass': '1' });
    expect(arrived[0]).not.toHaveProperty('x-mlflow-guardrail-bypass');
  });
});

test('the header counts for calls of models alone', async () => {
  const headers = { 'x-mlflow-authorization': own };
  const answer = await gateway.anonymous.send('GET', '/api/2.0/mlflow/users/current', { headers });
  expect(answer.status).toBe(401);
});
