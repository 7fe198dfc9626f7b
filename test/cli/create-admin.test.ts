import { pbkdf2Sync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { type CreateAdminOptions, createAdmin } from '../../src/cli/create-admin.ts';
import { addUser, open, temporaryDirectory, temporaryUri } from '../store/temporary.ts';
import { ADMIN } from '../support/gateway.ts';
import { typeOnTerminal } from '../support/terminal.ts';
import { NO_UPSTREAM, openGateway } from '../support/use-gateway.ts';
import { type Ran, ran } from './io.ts';

const MAIN = resolve(import.meta.dirname, '../../src/main.ts');

const CURRENT = '/api/2.0/mlflow/users/current';
const NEW_PASSWORD = 'a password for emergencies';

function creating(
  username: string,
  databaseUri: string,
  { stdin = `${NEW_PASSWORD}\n`, ...options }: CreateAdminOptions & { stdin?: string } = {},
): Promise<Ran> {
  return ran((io) => createAdmin(username, options, io), { databaseUri, stdin });
}

/** A gateway that runs while the command is typed; it answers these sign-ins alone. */
async function running() {
  const uri = temporaryUri();
  const { gateway } = await openGateway({ upstream: NO_UPSTREAM, settings: { database_uri: uri } });
  return { uri, gateway };
}

test('creates an admin whom a running gateway lets in on the next request', async () => {
  const { uri, gateway } = await running();
  expect((await gateway.as('eve', NEW_PASSWORD).get(CURRENT)).status).toBe(401);
  expect(await creating('eve', uri)).toMatchObject({ code: 0, stderr: '' });
  const eve = await gateway.as('eve', NEW_PASSWORD).get(CURRENT);
  expect(eve.json).toMatchObject({ user: { username: 'eve', is_admin: true } });
});

test('gives an admin who forgot it a new password; the old one does not count any more', async () => {
  const { uri, gateway } = await running();
  expect((await gateway.admin.get(CURRENT)).status).toBe(200);
  const { stdout } = await creating(ADMIN.username, uri);
  expect(stdout).toContain('admin was there');
  expect(stdout).toContain('with a new password');
  expect((await gateway.admin.get(CURRENT)).status).toBe(401);
  expect((await gateway.as(ADMIN.username, NEW_PASSWORD).get(CURRENT)).status).toBe(200);
});

test('promotes a user who keeps the password', async () => {
  const { uri, gateway } = await running();
  const alice = await gateway.person();
  expect((await creating(alice.username, uri, { keepPassword: true, stdin: '' })).code).toBe(0);
  expect((await alice.get(CURRENT)).json).toMatchObject({ user: { is_admin: true } });
});

test('promotes nobody who keeps a password that everyone knows', async () => {
  const uri = temporaryUri();
  const store = await open(uri);
  // `password1234` as Werkzeug would hash it, of the cheapest kind.
  const digest = pbkdf2Sync('password1234', 'salt', 1, 32, 'sha256').toString('hex');
  const passwordHash = `pbkdf2:sha256:1$salt$${digest}`;
  const alice = await store.users.create({ username: 'alice', passwordHash, isAdmin: false });
  const { code, stderr } = await creating('alice', uri, { keepPassword: true, stdin: '' });
  expect(code).toBe(1);
  expect(stderr).toContain('a default password that everyone knows');
  expect(await store.users.list()).toEqual([alice]);
});

test('shows a generated password once', async () => {
  const { uri, gateway } = await running();
  const { stdout } = await creating('eve', uri, { generate: true, stdin: '' });
  const password = /password {2}(\S{24})\n/.exec(stdout)?.[1] ?? '';
  expect((await gateway.as('eve', password).get(CURRENT)).status).toBe(200);
});

test.each([
  ['is too short', 'short\n', 1, 'at least 12 characters'],
  ['everyone knows', 'password1234\n', 1, 'a default password that everyone knows'],
  ['is missing', '', 2, 'No password'],
])('a password that %s changes nothing', async (_, stdin, code, sentence) => {
  const uri = temporaryUri();
  const store = await open(uri);
  const alice = await addUser(store, 'alice');
  const answer = await creating('alice', uri, { stdin });
  expect(answer).toMatchObject({ code, stdout: '' });
  expect(answer.stderr).toContain(sentence);
  expect(await store.users.list()).toEqual([alice]);
});

test.each([
  ['a:b', {}, 'colons'],
  ['', {}, 'empty'],
  ['Alice', {}, 'already exists'],
  ['nobody', { keepPassword: true }, 'no such user'],
])('%j is refused in one line', async (name, options, sentence) => {
  const uri = temporaryUri();
  const store = await open(uri);
  await addUser(store, 'alice');
  const { code, stderr } = await creating(name, uri, options);
  expect(code).toBe(1);
  expect(stderr).toContain(sentence);
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect(await store.users.list()).toHaveLength(1);
});

test('mends a store, and does not make another one beside it', async () => {
  const file = join(temporaryDirectory(), 'gateway.db');
  const { code, stderr } = await creating('eve', `sqlite:///${file}`);
  expect(code).toBe(1);
  expect(stderr).toContain(`There is no store at ${file}`);
  expect(existsSync(file)).toBe(false);
});

test('asks for the password on a terminal, and says whose', async () => {
  const uri = temporaryUri();
  const store = await open(uri);
  const { code, shown } = await typeOnTerminal(
    [process.execPath, MAIN, 'create-admin', 'eve'],
    [
      ['New password for eve: ', `${NEW_PASSWORD}\r`],
      ['New password for eve again: ', `${NEW_PASSWORD}\r`],
    ],
    { ...process.env, MLFLOW_AUTH_DATABASE_URI: uri, MLFLOW_AUTH_PASSWORD_ROUNDS: '4' },
  );
  expect(code).toBe(0);
  expect(shown).toMatch(
    /^New password for eve: \r\nNew password for eve again: \r\nCreated the admin eve in [^\r]*\r\n$/,
  );
  expect((await store.users.list()).map(({ username }) => username)).toEqual(['eve']);
});
