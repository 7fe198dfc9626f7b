/** Commands on a store that is in a server's database, where no file tells whether there is one. */
import { pbkdf2Sync } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { backup } from '../../src/cli/backup.ts';
import { checkConfig } from '../../src/cli/check-config.ts';
import { createAdmin } from '../../src/cli/create-admin.ts';
import { importBasicAuth } from '../../src/cli/import.ts';
import { openStore, type Store } from '../../src/store/index.ts';
import { addUser, open, temporaryDirectory } from '../store/temporary.ts';
import { freePort } from '../support/free-port.ts';
import { sharedPostgresql } from '../support/shared-postgresql.ts';
import { ran } from './io.ts';

async function storeWith(uri: string, ...usernames: string[]): Promise<Store> {
  const store = await openStore(uri, { clock: Date.now });
  onTestFinished(() => store.close());
  for (const username of usernames) {
    await addUser(store, username, username === 'root');
  }
  return store;
}

const checking = (databaseUri: string) => ran((io) => checkConfig({ connect: true }, io), { databaseUri });

test('check-config says of an empty database that there is no store yet, and makes none', async () => {
  const uri = await sharedPostgresql();
  for (const _ of [1, 2]) {
    expect((await checking(uri)).stdout).toContain(
      'The store: there is none yet; the first start makes it\n',
    );
  }
});

test('check-config tries a copy of the store that is there, and shows no password', async () => {
  const uri = await sharedPostgresql();
  await storeWith(uri, 'root', 'alice');
  const { stdout, stderr } = await checking(uri);
  expect(stdout).toContain('The store: it opens; users: 2, of these admins: 1\n');
  expect(stdout).toContain('database_uri = postgresql+psycopg2://gateway:…@127.0.0.1:');
  expect(stdout + stderr).not.toContain(new URL(uri).password);
});

test('check-config says that the server does not answer, and why', async () => {
  const { code, stderr } = await checking(`postgresql://gateway:secret@127.0.0.1:${await freePort()}/store`);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^The store: The store gave no answer\. \(PostgreSQL: .*ECONNREFUSED.*\)$/m);
  expect(stderr).not.toContain('secret');
});

test('create-admin makes no store beside the one that is meant', async () => {
  const databaseUri = await sharedPostgresql();
  const making = () => ran((io) => createAdmin('eve', { generate: true }, io), { databaseUri });
  const { pathname, host } = new URL(databaseUri);
  expect(await making()).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(
      `There is no store at postgresql://gateway@${host}${pathname}. Set database_uri`,
    ),
  });
  await storeWith(databaseUri);
  expect(await making()).toMatchObject({ code: 0, stderr: '' });
});

test('import takes the users of MLflow over into it, after a dry run that changes nothing', async () => {
  const databaseUri = await sharedPostgresql();
  const store = await storeWith(databaseUri, 'root');
  const source = join(temporaryDirectory(), 'basic_auth.db');
  const hash = `pbkdf2:sha256:1$salt$${pbkdf2Sync('a password of alice', 'salt', 1, 32, 'sha256').toString('hex')}`;
  new Sqlite(source)
    .exec(
      `create table alembic_version (version_num);
      create table users (id integer primary key, username, password_hash, is_admin);
      create table experiment_permissions (id integer primary key, experiment_id, user_id, permission);
      insert into users values (7, 'alice', '${hash}', 0);
      insert into experiment_permissions values (1, '5', 7, 'EDIT')`,
    )
    .close();
  const importing = (dryRun: boolean) =>
    ran((io) => importBasicAuth(source, { dryRun }, io), { databaseUri });
  expect(await importing(true)).toMatchObject({ code: 0, stderr: '' });
  expect(await store.account('alice')).toBeUndefined();
  expect(await importing(false)).toMatchObject({ code: 0, stderr: '' });
  expect(await store.account('alice')).toMatchObject({
    grants: [{ resourceType: 'experiment', resourcePattern: '5', permission: 'EDIT' }],
  });
});

test('backup makes a file of the store, for its owner alone', async () => {
  const databaseUri = await sharedPostgresql();
  const file = join(temporaryDirectory(), 'copy.db');
  const backingUp = () => ran((io) => backup(file, io), { databaseUri });
  expect(await backingUp()).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('There is no store at'),
  });
  expect(existsSync(file)).toBe(false);
  await storeWith(databaseUri, 'alice');
  expect(await backingUp()).toMatchObject({ code: 0, stderr: '' });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const copied = await (await open(`sqlite:///${file}`)).users.list();
  expect(copied.map(({ username }) => username)).toEqual(['alice']);
});
