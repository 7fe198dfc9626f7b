import { renameSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import Sqlite from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { openStore } from '../../src/store/index.ts';
import { addUser, open, temporaryDirectory, temporaryUri } from './temporary.ts';

const clock = () => 0;
const fileOf = (uri: string): string => uri.slice('sqlite:///'.length);

describe('opening', () => {
  test('makes an empty file into a store that only its owner can read', async () => {
    const uri = temporaryUri();
    const store = await open(uri);
    await addUser(store, 'alice');
    for (const suffix of ['', '-wal', '-shm']) {
      expect(statSync(fileOf(uri) + suffix).mode & 0o777, suffix).toBe(0o600);
    }
  });

  test('finds again what was written before', async () => {
    const uri = temporaryUri();
    const before = await open(uri);
    const alice = await addUser(before, 'alice');
    await before.close();
    expect(await (await open(uri)).users.get('alice')).toEqual(alice);
  });

  test('finds one key for page tokens, its own and the same for every process', async () => {
    const uri = temporaryUri();
    const [one, other, foreign] = [await open(uri), await open(uri), await open()];
    const key = await one.pageTokenKey();
    expect(key).toHaveLength(32);
    expect(await other.pageTokenKey()).toEqual(key);
    expect(await foreign.pageTokenKey()).not.toEqual(key);
  });

  test('works in memory', async () => {
    const store = await open('sqlite://');
    await addUser(store, 'alice');
    expect(await store.users.list()).toHaveLength(1);
  });

  test('twice at the same time makes one schema', async () => {
    const uri = temporaryUri();
    const stores = await Promise.all([open(uri), open(uri)]);
    await addUser(stores[0], 'alice');
    expect(await stores[1].users.get('alice')).toBeDefined();
  });

  test("refuses MLflow's own database and leaves it as it was", async () => {
    const file = join(temporaryDirectory(), 'basic_auth.db');
    const mlflows = new Sqlite(file);
    mlflows.exec('create table users (id integer); create table alembic_version_auth (version_num text)');
    mlflows.close();
    await expect(openStore(`sqlite:///${file}`, { clock })).rejects.toThrow(/is MLflow's/);
    const tables = new Sqlite(file).prepare('select name from sqlite_master order by name').pluck().all();
    expect(tables).toEqual(['alembic_version_auth', 'users']);
  });

  test("refuses another program's database", async () => {
    const file = join(temporaryDirectory(), 'other.db');
    const other = new Sqlite(file);
    other.exec('create table notes (text text)');
    other.close();
    await expect(openStore(`sqlite:///${file}`, { clock })).rejects.toThrow(/another program's/);
  });

  test('refuses a store that a newer version has used', async () => {
    const uri = temporaryUri();
    await (await open(uri)).close();
    const raw = new Sqlite(fileOf(uri));
    raw.exec("insert into kysely_migration values ('9999-future', '2099-01-01T00:00:00Z')");
    raw.close();
    await expect(openStore(uri, { clock })).rejects.toThrow(/newer version/);
  });

  test.each([
    ['a file that is no database', 'text.db', 'it is not a database'],
    ['a directory', '', 'it is a directory'],
    ['a file in no directory', 'missing/x.db', 'there is no such directory'],
    ['a file below a file', 'text.db/x.db', 'there is no such directory'],
  ])('refuses %s, and says which setting names it', async (_, name, reason) => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'text.db'), 'these are not the pages of a database, whatever it is called');
    const file = join(directory, name);
    await expect(openStore(`sqlite:///${file}`, { clock })).rejects.toThrow(
      `${resolve(file)} cannot be opened as the store: ${reason}. Name another file in database_uri (MLFLOW_AUTH_DATABASE_URI)`,
    );
  });
});

describe('many things done at once', () => {
  test('are seen by others, and announced, all together', async () => {
    const uri = temporaryUri();
    const [store, other] = [await open(uri), await open(uri)];
    const follower = other.changes.follow();
    const ids = await store.atOnce(async ({ users, grants, roles }) => {
      const alice = await users.create({ username: 'alice', passwordHash: 'x', isAdmin: false });
      const role = await roles.create({ name: 'r' });
      await roles.addPermission(role.id, 'experiment', '*', 'READ');
      await roles.assign(alice.id, role.id);
      await grants.create(alice.id, 'experiment', '1', 'DENY');
      // Its own work it sees already.
      expect(await users.get('alice')).toEqual(alice);
      expect(await grants.get(alice.id, 'experiment', '1')).toBe('DENY');
      expect(await other.users.get('alice')).toBeUndefined();
      expect(follower.next()).toBe('nothing');
      return { alice: alice.id };
    });
    expect((await other.account('alice'))?.grants).toHaveLength(2);
    expect(ids.alice).toBe((await other.users.get('alice'))?.id);
    expect(follower.next()).toBe('everybody');
  });

  test('are none when one of them fails', async () => {
    const uri = temporaryUri();
    const [store, other] = [await open(uri), await open(uri)];
    const follower = other.changes.follow();
    const work = store.atOnce(async ({ users, grants }) => {
      const { id } = await users.create({ username: 'alice', passwordHash: 'x', isAdmin: false });
      await grants.create(id + 1, 'experiment', '1', 'READ');
    });
    await expect(work).rejects.toMatchObject({ code: 'RESOURCE_DOES_NOT_EXIST' });
    expect(await other.users.list()).toEqual([]);
    expect(follower.next()).toBe('nothing');
    await addUser(store, 'alice');
  });
});

describe('a store that cannot answer is a 503', () => {
  test('after closing, for queries and for the change feed', async () => {
    const store = await open();
    const follower = store.changes.follow();
    await store.close();
    await expect(store.users.get('alice')).rejects.toThrow();
    expect(() => follower.next()).toThrow(expect.objectContaining({ status: 503 }));
  });

  test('when the schema has gone', async () => {
    const uri = temporaryUri();
    const store = await open(uri);
    new Sqlite(fileOf(uri)).exec('drop table grants').close();
    await expect(store.account('alice')).rejects.toMatchObject({ status: 503 });
    await expect(store.ping()).resolves.toBeUndefined();
  });

  test('and closing twice does nothing', async () => {
    const store = await open();
    await store.close();
    await expect(store.close()).resolves.toBeUndefined();
  });
});

test('transactions of one process that overlap wait for one another', async () => {
  const store = await open();
  const names = Array.from({ length: 20 }, (_, number) => `user-${number}`);
  await Promise.all(names.map((name) => addUser(store, name)));
  expect((await store.users.list()).map(({ username }) => username).toSorted()).toEqual(names.toSorted());
});

describe('while another process writes', () => {
  test('a write waits its turn and the event loop goes on', async () => {
    const uri = temporaryUri();
    const store = await open(uri);
    const other = new Sqlite(fileOf(uri));
    other.exec('begin immediate');
    let turns = 0;
    const ticking = setInterval(() => {
      turns += 1;
      if (turns === 3) {
        other.exec('commit');
      }
    }, 5);
    await addUser(store, 'alice');
    clearInterval(ticking);
    other.close();
    expect(turns).toBeGreaterThanOrEqual(3);
  });

  test('each write gives up after its own five seconds, and a query waits for none of them', async () => {
    const uri = temporaryUri();
    const store = await open(uri);
    await addUser(store, 'alice');
    const other = new Sqlite(fileOf(uri));
    other.exec('begin immediate');
    const begun = performance.now();
    const writes = Array.from({ length: 12 }, (_, number) => addUser(store, `user-${number}`));
    const given = Promise.allSettled(writes);
    expect(await store.users.get('alice')).toBeDefined();
    expect(await store.account('alice')).toBeDefined();
    expect(performance.now() - begun).toBeLessThan(2_500);
    const answers = await given;
    expect(performance.now() - begun).toBeLessThan(7_500);
    for (const answer of answers) {
      expect(answer).toMatchObject({ status: 'rejected', reason: { status: 503 } });
    }
    other.exec('commit');
    other.close();
    await addUser(store, 'bob');
  });
});

test.each(['', '-wal', '-shm'])(
  'a store whose file …%s was removed while it is in use is a 503, for writes and for the change feed',
  async (suffix) => {
    const uri = temporaryUri();
    const store = await open(uri);
    await addUser(store, 'alice');
    const follower = store.changes.follow();
    expect(follower.next()).toBe('nothing');
    renameSync(fileOf(uri) + suffix, `${fileOf(uri)}-away`);
    expect(() => follower.next()).toThrow(expect.objectContaining({ status: 503 }));
    await expect(addUser(store, 'bob')).rejects.toMatchObject({ status: 503 });
    renameSync(`${fileOf(uri)}-away`, fileOf(uri) + suffix);
    expect(follower.next()).toBe('nothing');
    await addUser(store, 'bob');
  },
);
