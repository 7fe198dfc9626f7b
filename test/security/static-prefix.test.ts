import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FakeUpstream, startFakeUpstream } from '../support/fake-upstream.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';

let upstream: FakeUpstream;
const gateways = new Map<string, TestGateway>();
/** One that could be taken for MLflow's files, which are public, or for a part of its API. */
const PREFIXES = ['/mlflow', '/static', '/static-files', '/api', '/a/b.c~d', '/healthy'];

beforeAll(async () => {
  // Everything that is asked below a prefix is there, as with MLflow 3.17.
  upstream = await startFakeUpstream((request, response) => {
    response.end(request.url?.endsWith('/version') ? '3.17.2' : '{}');
  });
  for (const static_prefix of PREFIXES) {
    gateways.set(static_prefix, await startGateway(upstream.uri, { static_prefix }));
  }
});

afterAll(async () => {
  for (const gateway of gateways.values()) {
    await gateway.close();
  }
  await upstream.close();
});

const SEARCH = '/api/2.0/mlflow/experiments/search?max_results=1';

describe.each(PREFIXES)('below %s', (prefix) => {
  const gateway = () => gateways.get(prefix) as TestGateway;
  const statusOf = async (target: string, method = 'GET') =>
    (await gateway().anonymous.send(method, target)).status;

  test('health and readiness answer without credentials, there and at the root', async () => {
    for (const path of ['/health', '/ready', `${prefix}/health`, `${prefix}/ready`]) {
      expect([path, await statusOf(path)]).toEqual([path, 200]);
    }
  });

  test('MLflow’s files are public, and nothing else is', async () => {
    expect(await statusOf(`${prefix}/static-files/x.js`)).toBe(200);
    for (const path of [
      '/',
      SEARCH,
      '/version',
      '/static-files',
      '/static',
      '/static-filesx/y',
      '/metrics',
    ]) {
      expect([path, await statusOf(`${prefix}${path}`)]).toEqual([path, 401]);
    }
  });

  test('signing in works', async () => {
    expect((await gateway().admin.get(`${prefix}${SEARCH}`)).status).toBe(200);
    expect((await gateway().admin.get(`${prefix}/api/2.0/mlflow/users/current`)).status).toBe(200);
  });

  test.each([
    '/',
    SEARCH,
    '/version',
    '/static-files/x.js',
    '/healthz',
    '/health/',
    '/ready/x',
    `/x${SEARCH}`,
  ])('%s outside of it is not there, for an admin either', async (path) => {
    // `/api/2.0/…` lies below `/api`, and leads to nothing there.
    const below = path.startsWith(`${prefix}/`);
    expect(await statusOf(path)).toBe(below ? 401 : 404);
    if (!below) {
      const { status, json } = await gateway().admin.get(path);
      expect({ status, code: json.error_code }).toEqual({ status: 404, code: 'ENDPOINT_NOT_FOUND' });
    }
  });

  test.each([
    ['in other letters', (text: string) => text.toUpperCase()],
    ['encoded', (text: string) => text.replace(/[a-z]/, (letter) => `%${letter.charCodeAt(0).toString(16)}`)],
    ['with more behind it', (text: string) => `${text}x`],
    ['behind a dot segment', (text: string) => `/.${text}`],
    ['with a semicolon', (text: string) => `${text};x`],
  ])('the prefix %s is another path', async (_how, spell) => {
    expect(await statusOf(`${spell(prefix)}${SEARCH}`)).toBe(404);
    expect((await gateway().admin.get(`${spell(prefix)}${SEARCH}`)).status).toBe(404);
  });

  test('no dot segment leads out of it', async () => {
    for (const path of ['/../health', '/..%2fhealth', '/%2e%2e/health', '/./health']) {
      expect([path, await statusOf(`${prefix}${path}`)]).toEqual([path, 400]);
    }
  });

  test('the prefix alone leads to the page below it, and nowhere else', async () => {
    const { status, headers } = await gateway().anonymous.get(`${prefix}?next=//evil.example`);
    expect({ status, location: headers['location'] }).toEqual({ status: 308, location: `${prefix}/` });
  });

  test('the sign-up page leads to itself', async () => {
    const { text } = await gateway().admin.get(`${prefix}/signup`);
    expect(text).toContain(`<form action="${prefix}/api/2.0/mlflow/users/create-ui"`);
  });
});

test('what is asked of MLflow lies below the prefix, the gateway’s own look-ups too', async () => {
  const asked: string[] = [];
  const watched = await startFakeUpstream((request, response) => {
    asked.push(request.url ?? '');
    response.end(request.url?.endsWith('/version') ? '3.17.2' : '{}');
  });
  const gateway = await startGateway(watched.uri, { static_prefix: '/mlflow' });
  const user = await gateway.person();
  await user.get(`/mlflow${SEARCH}`);
  await user.get('/mlflow/api/2.0/mlflow/runs/get?run_id=0123456789abcdef0123456789abcdef');
  await gateway.admin.get('/mlflow/api/2.0/mlflow/experiments/get?experiment_id=7');
  expect(asked).toContain('/mlflow/api/2.0/mlflow/experiments/get?experiment_id=7');
  expect(asked.filter((url) => !url.startsWith('/mlflow/'))).toEqual([]);
  await gateway.close();
  await watched.close();
});
