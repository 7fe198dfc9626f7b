import { beforeAll, describe, expect, test } from 'vitest';
import { useGateway } from '../support/use-gateway.ts';

/** One that could be taken for MLflow's files, which are public, or for a part of its API. */
const PREFIXES = ['/mlflow', '/static', '/static-files', '/api', '/a/b.c~d', '/healthy'];
/** What arrives at the upstream. */
let asked: string[] = [];

/** Everything that is asked below a prefix is there, as with MLflow 3.17. */
const useGatewayBelow = (static_prefix: string) =>
  useGateway({
    fake: (request, response) => {
      asked.push(request.url ?? '');
      response.end(request.url?.endsWith('/version') ? '3.17.2' : '{}');
    },
    settings: { static_prefix },
  });

const SEARCH = '/api/2.0/mlflow/experiments/search?max_results=1';

describe.each(PREFIXES)('below %s', (prefix) => {
  const { gateway, admin } = useGatewayBelow(prefix);
  const statusOf = async (target: string, method = 'GET') =>
    (await gateway.anonymous.send(method, target)).status;

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
    expect((await admin.get(`${prefix}${SEARCH}`)).status).toBe(200);
    expect((await admin.get(`${prefix}/api/2.0/mlflow/users/current`)).status).toBe(200);
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
      const { status, json } = await admin.get(path);
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
    expect((await admin.get(`${spell(prefix)}${SEARCH}`)).status).toBe(404);
  });

  test('no dot segment leads out of it', async () => {
    for (const path of ['/../health', '/..%2fhealth', '/%2e%2e/health', '/./health']) {
      expect([path, await statusOf(`${prefix}${path}`)]).toEqual([path, 400]);
    }
  });

  test('the prefix alone leads to the page below it, and nowhere else', async () => {
    const { status, headers } = await gateway.anonymous.get(`${prefix}?next=//evil.example`);
    expect({ status, location: headers['location'] }).toEqual({ status: 308, location: `${prefix}/` });
  });

  test('the sign-up page leads to itself', async () => {
    const { text } = await admin.get(`${prefix}/signup`);
    expect(text).toContain(`<form action="${prefix}/api/2.0/mlflow/users/create-ui"`);
  });
});

describe('what is asked of MLflow', () => {
  beforeAll(() => {
    asked = [];
  });
  const { gateway } = useGatewayBelow('/mlflow');

  test('lies below the prefix, the gateway’s own look-ups too', async () => {
    const user = await gateway.person();
    await user.get(`/mlflow${SEARCH}`);
    await user.get('/mlflow/api/2.0/mlflow/runs/get?run_id=0123456789abcdef0123456789abcdef');
    await gateway.admin.get('/mlflow/api/2.0/mlflow/experiments/get?experiment_id=7');
    expect(asked).toContain('/mlflow/api/2.0/mlflow/experiments/get?experiment_id=7');
    expect(asked.filter((url) => !url.startsWith('/mlflow/'))).toEqual([]);
  });
});
