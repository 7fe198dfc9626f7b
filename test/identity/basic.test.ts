import { afterAll, beforeAll, expect, test } from 'vitest';
import { startGateway, type TestGateway, unique } from '../support/gateway.ts';

/** Nothing here asks an upstream. */
const NO_UPSTREAM = 'http://127.0.0.1:9';

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway(NO_UPSTREAM);
});
afterAll(() => gateway.close());

async function create(username: string, password: string): Promise<void> {
  const { status } = await gateway.admin.post('/api/2.0/mlflow/users/create', { username, password });
  expect(status).toBe(200);
}

async function whoIs(bytes: Buffer) {
  const headers = { authorization: `Basic ${bytes.toString('base64')}` };
  const { status, json } = await gateway.anonymous.get('/api/2.0/mlflow/users/current', { headers });
  return json.user?.username ?? status;
}

test.each(['utf8', 'latin1'] as const)(
  'a name and a password beyond ASCII are read in %s',
  async (encoding) => {
    const [username, password] = [unique('josé'), 'plus élevé que la forêt'];
    await create(username, password);
    expect(await whoIs(Buffer.from(`${username}:${password}`, encoding))).toBe(username);
    expect(await whoIs(Buffer.from(`${username}:plus eleve que la foret`, encoding))).toBe(401);
  },
);

test('bytes that are UTF-8 are read as nothing else', async () => {
  const [username, password] = [unique('user'), 'Ã© stands for two bytes'];
  await create(username, password);
  expect(await whoIs(Buffer.from(`${username}:${password}`, 'utf8'))).toBe(username);
  // The same text in Latin-1 is the UTF-8 of another password.
  expect(await whoIs(Buffer.from(`${username}:${password}`, 'latin1'))).toBe(401);
});

test('the challenge asks for UTF-8 (RFC 7617, 2.1)', async () => {
  const { headers } = await gateway.anonymous.get('/api/2.0/mlflow/users/current');
  expect(headers['www-authenticate']).toBe('Basic realm="mlflow", charset="UTF-8"');
});
