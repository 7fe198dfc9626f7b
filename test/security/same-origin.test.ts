/**
 * CVE-2025-1473: a page of another site has the browser of a user who is signed in send a form; the browser adds
 * the password it remembers. Nothing that changes anything is taken from elsewhere, whatever its method is.
 */
import { describe, expect, test } from 'vitest';
import { unique } from '../support/gateway.ts';
import { NO_UPSTREAM, useGateway } from '../support/use-gateway.ts';

const CREATE = '/api/2.0/mlflow/users/create';
const HERE = 'mlflow.example';

const { gateway, another } = useGateway({ upstream: NO_UPSTREAM });

const create = (headers: Record<string, string>, method = 'POST', target = CREATE) =>
  gateway.admin.send(method, target, {
    raw: JSON.stringify({ username: unique('made'), password: 'a password long enough' }),
    headers: { 'content-type': 'application/json', host: HERE, ...headers },
  });

describe('a request is refused', () => {
  test.each<[string, Record<string, string>]>([
    ['from another site', { 'sec-fetch-site': 'cross-site' }],
    ['from a neighbour of the same site', { 'sec-fetch-site': 'same-site' }],
    ['from another origin', { origin: 'http://evil.example' }],
    ['from another port', { origin: `http://${HERE}:8080` }],
    ['from a name that begins alike', { origin: `http://${HERE}.evil.example` }],
    ['from a sandboxed page', { origin: 'null' }],
    ['from something unreadable', { origin: HERE }],
    ['whatever else it says', { origin: `http://${HERE}`, 'sec-fetch-site': 'cross-site' }],
  ])('%s', async (_, headers) => {
    const answer = await create(headers);
    expect(answer).toMatchObject({
      status: 403,
      json: {
        error_code: 'PERMISSION_DENIED',
        message: expect.stringMatching(/^Permission denied\. Cross-origin request blocked\./),
      },
    });
    // Whatever it asks for, an upload without a body to read included.
    for (const target of ['/ajax-api/2.0/mlflow/upload-artifact?run_uuid=x', '/v1/traces', '/anything']) {
      expect((await create(headers, 'POST', target)).status, target).toBe(403);
    }
  });
});

describe('a request is taken', () => {
  test.each<[string, Record<string, string>]>([
    ['from a client that is no browser', {}],
    ['from a page of its own', { origin: `http://${HERE}` }],
    ['from one behind TLS that ends before', { origin: `https://${HERE}`, 'sec-fetch-site': 'same-origin' }],
    ['with the port of TLS written out', { origin: `https://${HERE}`, host: `${HERE}:443` }],
    ['behind a proxy that renames it', { origin: 'https://public.example', 'sec-fetch-site': 'same-origin' }],
    ['typed by hand', { 'sec-fetch-site': 'none' }],
  ])('%s', async (_, headers) => {
    expect((await create(headers)).status).toBe(200);
  });

  test('to read, from anywhere: a link leads here', async () => {
    const headers = { 'sec-fetch-site': 'cross-site', origin: 'http://evil.example', host: HERE };
    expect((await gateway.admin.get('/api/2.0/mlflow/users/current', { headers })).status).toBe(200);
  });
});

describe('what only reads is taken from anywhere, by POST too', () => {
  const { admin } = useGateway({ fake: true });

  test.each([
    ['/api/2.0/mlflow/runs/search', { experiment_ids: ['1'] }],
    ['/ajax-api/2.0/mlflow/experiments/search', { max_results: 5 }],
    ['/api/2.0/mlflow/logged-models/search', { experiment_ids: ['1'] }],
    ['/ajax-api/3.0/mlflow/traces/search', { locations: [] }],
    ['/graphql', { query: '{ __typename }' }],
    ['/ajax-api/3.0/mlflow/ui-telemetry', {}],
  ])('%s', async (target, body) => {
    for (const headers of [{ origin: 'http://evil.example' }, { 'sec-fetch-site': 'cross-site' }]) {
      const { status } = await admin.send('POST', target, { json: body, headers });
      expect(status, JSON.stringify(headers)).toBe(200);
    }
  });
});

test('the refusal of another host names what a proxy in between has to send; that of another site does not', async () => {
  const said = async (headers: Record<string, string>) => (await create(headers)).json;
  const remedy = expect.stringMatching(/X-Forwarded-Host.*trusted_proxies/);
  expect(await said({ origin: 'http://public.example' })).toMatchObject({ message: remedy });
  expect(await said({ 'sec-fetch-site': 'cross-site' })).not.toMatchObject({ message: remedy });
});

test('behind a trusted proxy its host is the one that the browser asked for', async () => {
  const behind = await another({ trusted_proxies: '127.0.0.1' });
  const from = async (origin: string) => {
    const headers = { host: 'internal:5000', 'x-forwarded-host': HERE, origin };
    return (await behind.admin.send('PATCH', '/api/2.0/mlflow/users/update-admin', { raw: '{}', headers }))
      .status;
  };
  expect([await from(`https://${HERE}`), await from('http://internal:5000')]).toEqual([400, 403]);
});

test.each([
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/jsonx',
])('JSON in a form of type %s makes no user', async (type) => {
  const answer = await create({ 'content-type': type });
  expect(answer).toMatchObject({
    status: 400,
    json: { message: 'Invalid content type. Must be application/json' },
  });
});

test.each(['application/json', 'Application/JSON; charset=utf-8'])('a user is made of %s', async (type) => {
  expect((await create({ 'content-type': type })).status).toBe(200);
});
