import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { backup } from '../../src/cli/backup.ts';
import { addUser, open, temporaryDirectory, temporaryUri } from '../store/temporary.ts';
import { type Ran, ran } from './io.ts';

const backingUp = (file: string, databaseUri: string): Promise<Ran> =>
  ran((io) => backup(file, io), { databaseUri });

test('copies a store in use, without what is not committed, into a file for its owner alone', async () => {
  const uri = temporaryUri();
  const store = await open(uri);
  await addUser(store, 'alice');
  const other = new Sqlite(uri.slice('sqlite:///'.length));
  onTestFinished(() => void other.close());
  other.exec("begin immediate; update users set username = 'mallory'");
  const file = join(temporaryDirectory(), 'copy.db');

  expect(await backingUp(file, uri)).toMatchObject({ code: 0, stderr: '' });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const copied = await (await open(`sqlite:///${file}`)).users.list();
  expect(copied.map(({ username }) => username)).toEqual(['alice']);
});

test('a relative file starts where the command was typed', async () => {
  const uri = temporaryUri();
  await open(uri);
  const cwd = temporaryDirectory();
  await ran((io) => backup('copy.db', io), { databaseUri: uri, cwd });
  expect(existsSync(join(cwd, 'copy.db'))).toBe(true);
});

test('overwrites nothing', async () => {
  const uri = temporaryUri();
  await open(uri);
  const file = join(temporaryDirectory(), 'precious');
  writeFileSync(file, 'precious');
  const { code, stderr } = await backingUp(file, uri);
  expect(code).toBe(1);
  expect(stderr).toContain('exists and is not overwritten');
  expect(readFileSync(file, 'utf8')).toBe('precious');
});

test('copies the schema as it is, so that an older version can use the copy', async () => {
  const uri = temporaryUri();
  await (await open(uri)).close();
  const raw = new Sqlite(uri.slice('sqlite:///'.length));
  raw.exec('delete from kysely_migration').close();
  const file = join(temporaryDirectory(), 'copy.db');
  expect((await backingUp(file, uri)).code).toBe(0);
  const copy = new Sqlite(file, { readonly: true });
  onTestFinished(() => void copy.close());
  expect(copy.prepare('select count(*) from kysely_migration').pluck().get()).toBe(0);
});

test('without a store there is nothing to copy, and none is made', async () => {
  const directory = temporaryDirectory();
  const store = join(directory, 'gateway.db');
  const { code, stderr } = await backingUp(join(directory, 'copy.db'), `sqlite:///${store}`);
  expect(code).toBe(1);
  expect(stderr).toContain(`There is no store at ${store}`);
  expect(existsSync(store) || existsSync(join(directory, 'copy.db'))).toBe(false);
});

test("another program's database is not taken for a store", async () => {
  const directory = temporaryDirectory();
  const file = join(directory, 'other.db');
  new Sqlite(file).exec('create table users (id)').close();
  chmodSync(file, 0o600);
  const { code, stderr } = await backingUp(join(directory, 'copy.db'), `sqlite:///${file}`);
  expect(code).toBe(1);
  expect(stderr).toContain('is not a store of this gateway');
  expect(existsSync(join(directory, 'copy.db'))).toBe(false);
});
