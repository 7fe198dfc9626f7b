/**
 * CVE-2023-6014, CVE-2025-1473, CVE-2025-1474, CVE-2025-11200, CVE-2026-2635: nobody but an admin makes users,
 * no form of another site does, no password is short, and none is known before the first start.
 */
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { settings } from '../../src/config.ts';
import { createPasswords } from '../../src/identity/password.ts';
import { startServer } from '../../src/server.ts';
import { unique } from '../support/gateway.ts';
import { NO_UPSTREAM, useGateway } from '../support/use-gateway.ts';

const CREATE = '/api/2.0/mlflow/users/create';

const { gateway, another } = useGateway({ upstream: NO_UPSTREAM });

const names = async () => (await gateway.server.store.users.list()).map(({ username }) => username);

test('users are made by an admin alone', async () => {
  const username = unique('made');
  const body = { username, password: 'a password long enough' };
  const user = await gateway.person();
  expect((await gateway.anonymous.post(CREATE, body)).status).toBe(401);
  expect((await user.post(CREATE, body)).status).toBe(403);
  expect(await names()).not.toContain(username);
  expect((await gateway.admin.post(CREATE, body)).status).toBe(200);
});

test('nobody makes himself an admin, or changes another’s password', async () => {
  const user = await gateway.person();
  const other = await gateway.person();
  const promoted = { username: user.username, is_admin: true };
  const changed = { username: other.username, password: 'another long password' };
  expect((await user.patch('/api/2.0/mlflow/users/update-admin', promoted)).status).toBe(403);
  expect((await user.patch('/api/2.0/mlflow/users/update-password', changed)).status).toBe(403);
  expect((await other.get('/api/2.0/mlflow/users/current')).json.user).toMatchObject({ is_admin: false });
});

test('a password that an admin sets stays, though its user was just changing it', async () => {
  // Slow enough for the admin's to come between.
  const slow = await another({ password_rounds: '12' });
  const user = await slow.person('thief');
  await user.get('/api/2.0/mlflow/users/current');
  const { username } = user;
  const [mine, theirs] = ['a password of the thief', 'a password of the admin'];
  const changing = user.patch('/api/2.0/mlflow/users/update-password', {
    username,
    password: mine,
    current_password: user.password,
  });
  // Answered after what came before has been read.
  for (let turn = 0; turn < 3; turn += 1) {
    await user.get('/api/2.0/mlflow/users/current');
  }
  const { store } = slow.server;
  const { id } = (await store.users.get(username)) ?? { id: 0 };
  const passwords = createPasswords({ rounds: 4, minLength: 1 });
  await store.users.setPassword(id, await passwords.hash(theirs));
  expect((await changing).status).not.toBe(200);
  expect((await slow.as(username, mine).get('/api/2.0/mlflow/users/current')).status).toBe(401);
  expect((await slow.as(username, theirs).get('/api/2.0/mlflow/users/current')).status).toBe(200);
  await passwords.close();
});

test.each(['application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
  'a form of another site (%s) makes no user, though the browser sends an admin’s credentials',
  async (type) => {
    const username = unique('forged');
    const answer = await gateway.admin.send('POST', CREATE, {
      raw: `username=${username}&password=a-password-long-enough`,
      headers: { 'content-type': type, origin: 'https://evil.example' },
    });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(await names()).not.toContain(username);
  },
);

test.each([
  ['', 'a password long enough'],
  ['somebody', ''],
])('neither name nor password may be empty: %j, %j', async (username, password) => {
  expect(await gateway.admin.post(CREATE, { username, password })).toMatchObject({
    status: 400,
    json: { message: 'Username and password cannot be empty.' },
  });
});

describe('a password is refused that is', () => {
  test.each([
    ['empty', ''],
    ['one character', 'x'],
    ['a character too short', 'eleven char'],
    ['longer than bcrypt reads', 'x'.repeat(73)],
    ['a number', 123_456_789_012],
    ['nothing', null],
    ['a default of MLflow', 'password1234'],
  ])('%s', async (_, password) => {
    const username = unique('weak');
    const user = await gateway.person();
    expect((await gateway.admin.post(CREATE, { username, password })).status).toBe(400);
    const change = { username: user.username, password };
    expect((await gateway.admin.patch('/api/2.0/mlflow/users/update-password', change)).status).toBe(400);
    expect(await names()).not.toContain(username);
    expect((await user.get('/api/2.0/mlflow/users/current')).status).toBe(200);
  });
});

test.each(['password', 'password1234', 'admin'])(
  'the default password %s is refused, however short passwords may be',
  async (password) => {
    const lax = await another({ min_password_length: '1' });
    const user = await lax.person();
    const message = 'Password must not be a default password that everyone knows.';
    for (const answer of [
      await lax.admin.post(CREATE, { username: unique('known'), password }),
      await lax.admin.patch('/api/2.0/mlflow/users/update-password', { username: user.username, password }),
    ]) {
      expect(answer).toMatchObject({ status: 400, json: { error_code: 'INVALID_PARAMETER_VALUE', message } });
    }
  },
);

test('a user who came from MLflow with a default password becomes no admin before it is changed', async () => {
  // As the hash of an import: no request could make it.
  const passwords = createPasswords({ rounds: 4, minLength: 1 });
  const passwordHash = await passwords.hash('password1234');
  await passwords.close();
  const { store } = gateway.server;
  const { id, username } = await store.users.create({
    username: unique('imported'),
    passwordHash,
    isAdmin: false,
  });
  const promote = () =>
    gateway.admin.patch('/api/2.0/mlflow/users/update-admin', { username, is_admin: true });
  expect(await promote()).toMatchObject({
    status: 400,
    json: { message: expect.stringContaining('a default password that everyone knows') },
  });
  expect((await store.users.list()).find((user) => user.id === id)).toMatchObject({ isAdmin: false });
  const changed = { username, password: 'a password long enough' };
  expect((await gateway.admin.patch('/api/2.0/mlflow/users/update-password', changed)).status).toBe(200);
  expect((await promote()).status).toBe(200);
});

test('no password that MLflow ships signs anybody in; each first start makes up its own', async () => {
  const config = settings.parse({
    upstream_uri: NO_UPSTREAM,
    database_uri: 'sqlite:///:memory:',
    port: '0',
    password_rounds: '4',
  });
  const made: string[] = [];
  for (const _ of [1, 2]) {
    const server = await startServer(config, { logger: pino({ level: 'silent' }) });
    try {
      made.push(server.firstAdmin?.password ?? '');
      for (const password of ['password', 'password1234', 'admin', '']) {
        const authorization = `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`;
        const answer = await fetch(`${server.url}/api/2.0/mlflow/users/current`, {
          headers: { authorization },
        });
        expect(answer.status).toBe(401);
      }
    } finally {
      await server.close();
    }
  }
  expect(made[0]?.length).toBeGreaterThanOrEqual(20);
  expect(made[0]).not.toBe(made[1]);
});

test('a user that is there already is named without its hash or any SQL', async () => {
  const user = await gateway.person();
  const again = { username: user.username, password: 'a password long enough' };
  const { status, text, json } = await gateway.admin.post(CREATE, again);
  expect([status, json.error_code]).toEqual([400, 'RESOURCE_ALREADY_EXISTS']);
  expect(text).not.toMatch(/insert|sqlite|\$2[aby]\$|a password long enough/i);
});
