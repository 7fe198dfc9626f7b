import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { beforeEach, expect, test } from 'vitest';
import { useGateway } from '../support/use-gateway.ts';

let from = 0;

const { gateway, upstream, alice, another } = useGateway({ fake: true, people: ['alice'] });
beforeEach(() => {
  upstream.answer(undefined);
  from = gateway.log.length;
});

const entries = () => gateway.log.slice(from).filter(({ msg }) => msg === 'request');
/** The one line of the only request since the test began. */
async function entry(): Promise<Record<string, unknown>> {
  await expect.poll(() => entries().length).toBe(1);
  return entries()[0] ?? {};
}

const GET = '/api/2.0/mlflow/experiments/get?experiment_id=1';

test('a request that was forwarded is one line with who, what and why', async () => {
  await gateway.admin.get(GET);
  expect(await entry()).toMatchObject({
    method: 'GET',
    path: '/api/2.0/mlflow/experiments/get',
    user: 'admin',
    ip: '127.0.0.1',
    because: 'admin',
    status: 200,
    ms: expect.any(Number),
  });
});

test('an upload through a trusted proxy is one line with the address of who sent it', async () => {
  const behind = await another({ trusted_proxies: '127.0.0.1' });
  const target = '/api/2.0/mlflow-artifacts/artifacts/1/0123456789abcdef0123456789abcdef/artifacts/file';
  for (const length of [1, 1_000_000]) {
    const headers = { 'x-forwarded-for': '192.0.2.7' };
    await behind.admin.send('PUT', target, { raw: 'x'.repeat(length), headers });
  }
  const lines = () => behind.log.filter(({ method }) => method === 'PUT');
  await expect
    .poll(() => lines().map(({ ip, status }) => [ip, status]))
    .toEqual([
      ['192.0.2.7', 200],
      ['192.0.2.7', 200],
    ]);
});

test('a refusal is one line with its full reason, of which the caller gets a part', async () => {
  const answer = await alice.get(GET);
  const line = await entry();
  expect(line).toMatchObject({ user: alice.username, status: 403, level: 40 });
  expect(String(line['because'])).toMatch(/READ/);
  expect(answer.text).not.toContain(String(line['because']));
});

test('wrong credentials are one line without them', async () => {
  await gateway.as('alice', 'the wrong password').get(GET);
  const line = await entry();
  expect(line).toMatchObject({ status: 401, tried: 'alice', because: 'wrong name or password' });
  expect(JSON.stringify(line)).not.toMatch(/wrong password|Basic /);
});

test('a malformed target is one line', async () => {
  await alice.get('/api//2.0/mlflow/experiments/get');
  expect(await entry()).toMatchObject({ status: 400 });
});

test('an upstream that is away is one line that tells the cause, which the caller is not told', async () => {
  upstream.answer((request) => request.socket.destroy());
  const answer = await gateway.admin.get(GET);
  const line = await entry();
  expect(line).toMatchObject({ status: 503, level: 50, err: expect.anything() });
  expect(answer.text).not.toMatch(/socket|closed|ECONN/);
});

test('a download that the client leaves is one line', async () => {
  upstream.answer((_request, response) => response.write('a part'));
  const sent = httpRequest(`${gateway.url}/static-files/x`, { agent: false });
  sent.on('error', () => {});
  sent.end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  answer.on('error', () => {});
  sent.destroy();
  expect(await entry()).toMatchObject({ path: '/static-files/x', status: 499, whole: false, level: 30 });
});

test('an upstream that breaks off halfway is one line that tells the cause', async () => {
  upstream.answer((request, response) => response.write('a part', () => request.socket.destroy()));
  await expect(gateway.anonymous.get('/static-files/x')).rejects.toThrow();
  expect(await entry()).toMatchObject({ status: 200, whole: false, level: 50, err: expect.anything() });
});

test('no line holds a query, a body, a password or a hash', async () => {
  const password = 'a password that nobody logs';
  const username = `${alice.username}-x`;
  await gateway.admin.post('/api/2.0/mlflow/users/create', { username, password });
  await gateway.admin.patch('/api/2.0/mlflow/users/update-password', { username, password });
  await gateway.as(username, password).get(`${GET}&secret=in-the-query`);
  await expect.poll(() => entries().length).toBe(3);
  const text = JSON.stringify(gateway.log);
  expect(text).not.toContain(password);
  expect(text).not.toContain(Buffer.from(`${username}:${password}`).toString('base64'));
  expect(text).not.toMatch(/in-the-query|\$2[aby]\$|authorization/i);
});

test('an upload that the client leaves is one line, and no failure', async () => {
  const target = '/api/2.0/mlflow-artifacts/artifacts/1/0123456789abcdef0123456789abcdef/artifacts/file';
  const authorization = `Basic ${Buffer.from(`${gateway.admin.username}:${gateway.admin.password}`).toString('base64')}`;
  const headers = { authorization, 'content-length': 1_000_000 };
  const sent = httpRequest(`${gateway.url}${target}`, { method: 'PUT', agent: false, headers });
  sent.on('error', () => {});
  upstream.answer((request) => request.once('data', () => sent.destroy()));
  sent.write('x'.repeat(500_000));
  expect(await entry()).toMatchObject({ method: 'PUT', status: 499, whole: false, level: 30 });
});

test('a change of users, grants and roles is one line with whose, on what, from what to what', async () => {
  const { username } = alice;
  const lines = () =>
    entries().map(({ user, action, touched, change }) => ({ user, action, touched, change }));
  const of = { username, experiment_id: '1' };
  await gateway.admin.post('/api/2.0/mlflow/experiments/permissions/create', { ...of, permission: 'READ' });
  await gateway.admin.patch('/api/2.0/mlflow/experiments/permissions/update', { ...of, permission: 'EDIT' });
  await gateway.admin.patch('/api/2.0/mlflow/users/update-admin', { username, is_admin: true });
  await gateway.admin.patch('/api/2.0/mlflow/users/update-admin', { username, is_admin: false });
  await gateway.admin.post('/api/3.0/mlflow/roles/create', { name: 'readers', workspace: 'default' });
  await expect.poll(() => lines().length).toBe(5);
  expect(lines()).toMatchObject([
    {
      user: 'admin',
      action: 'grant',
      touched: ['experiment 1', `user ${username}`],
      change: { before: null, after: { username } },
    },
    { change: { before: { permission: 'READ' }, after: { username, permission: 'EDIT' } } },
    { action: 'set_admin', touched: [`user ${username}`], change: { after: { username, is_admin: true } } },
    { change: { before: { username, is_admin: true }, after: { username, is_admin: false } } },
    { action: 'create_role', change: { before: null } },
  ]);
});

test('a change that was refused tells none', async () => {
  await gateway.admin.post('/api/2.0/mlflow/users/create', {
    username: alice.username,
    password: 'a long password',
  });
  const line = await entry();
  expect(line).toMatchObject({ status: 400 });
  expect(line).not.toHaveProperty('change');
});
