import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createAccounts } from '../../src/identity/accounts.ts';
import { copyRows } from '../../src/store/copy.ts';
import { openStore, type Store } from '../../src/store/index.ts';
import { type RunningPostgresql, startPostgresql } from '../support/postgresql.ts';
import { addUser, temporaryDirectory } from './temporary.ts';

let postgresql: RunningPostgresql;
beforeAll(async () => {
  postgresql = await startPostgresql();
});
afterAll(() => postgresql.close());

async function open(uri: string): Promise<Store> {
  const store = await openStore(uri, { clock: Date.now, timeoutSeconds: 2 });
  onTestFinished(() => store.close());
  return store;
}

const fresh = async () => open(await postgresql.database());

test('two that start at once make one schema, and have one key', async () => {
  const uri = await postgresql.database();
  const [one, other] = await Promise.all([open(uri), open(uri)]);
  await addUser(one, 'alice');
  expect(await other.users.get('alice')).toMatchObject({ username: 'alice', id: 1 });
  expect(await other.pageTokenKey()).toEqual(await one.pageTokenKey());
});

test('names are taken in any spelling, and signed in with exactly', async () => {
  const store = await fresh();
  await addUser(store, 'Alice');
  await expect(addUser(store, 'alice')).rejects.toMatchObject({ code: 'RESOURCE_ALREADY_EXISTS' });
  await expect(addUser(store, 'ＡLICE')).rejects.toMatchObject({ code: 'RESOURCE_ALREADY_EXISTS' });
  expect(await store.users.get('alice')).toBeUndefined();
  expect(await store.account('Alice')).toMatchObject({ user: { username: 'Alice' }, grants: [] });
});

test('of two gateways that take the flag from the last two admins at once, one is refused', async () => {
  const uri = await postgresql.database();
  const [one, other] = [await open(uri), await open(uri)];
  const [a, b] = [await addUser(one, 'a', true), await addUser(one, 'b', true)];
  for (let round = 0; round < 10; round += 1) {
    const outcomes = await Promise.allSettled([
      one.users.setAdmin(a.id, false),
      other.users.setAdmin(b.id, false),
    ]);
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    await one.users.setAdmin(a.id, true);
    await one.users.setAdmin(b.id, true);
  }
}, 60_000);

describe('a change of rights answered by one gateway', () => {
  test('counts on the next request in the other, hundreds of times', async () => {
    const uri = await postgresql.database();
    const [one, other] = [await open(uri), await open(uri)];
    const alice = await addUser(one, 'alice');
    const accounts = createAccounts(other);
    let stale = 0;
    for (let round = 0; round < 300; round += 1) {
      const permission = round % 2 === 0 ? 'READ' : 'EDIT';
      if (round === 0) {
        await one.grants.create(alice.id, 'experiment', '1', permission);
      } else {
        await one.grants.update(alice.id, 'experiment', '1', permission);
      }
      const account = await accounts.byName('alice');
      stale += account?.grants[0]?.permission === permission ? 0 : 1;
    }
    expect(stale).toBe(0);
  }, 60_000);

  test('is not missed though many are committed at once', async () => {
    const uri = await postgresql.database();
    const stores = await Promise.all([open(uri), open(uri), open(uri)]);
    const [first] = stores;
    const users = [];
    for (let number = 0; number < 30; number += 1) {
      users.push(await addUser(first, `user-${number}`));
    }
    const follower = first.changes.follow();
    await follower.next();
    const told = new Set<number>();
    let everybody = false;
    const writes = Promise.all(
      users.map(({ id }, index) => stores[index % 3]?.grants.create(id, 'experiment', '1', 'READ')),
    ).then(() => {
      everybody = true;
    });
    while (!everybody) {
      const change = await follower.next();
      for (const id of change === 'nothing' || change === 'everybody' ? [] : change) {
        told.add(id);
      }
    }
    await writes;
    const last = await follower.next();
    for (const id of last === 'nothing' || last === 'everybody' ? [] : last) {
      told.add(id);
    }
    expect(told.size).toBe(users.length);
  }, 60_000);
});

describe('a database that is away', () => {
  test('cut: 503 at most once, then everything is read anew', async () => {
    const store = await fresh();
    await addUser(store, 'alice');
    const follower = store.changes.follow();
    expect(await follower.next()).toBe('nothing');
    await postgresql.cutConnections();
    const seen = await Promise.resolve(follower.next()).catch((error: { status?: number }) => error.status);
    expect(['everybody', 503]).toContain(seen);
    if (seen === 503) {
      expect(await follower.next()).toBe('everybody');
    }
    await expect
      .poll(async () => (await store.users.get('alice').catch(() => undefined))?.username)
      .toBe('alice');
  });

  test('stopped: 503 in MLflow’s shape; started again it is back by itself', async () => {
    const store = await fresh();
    await addUser(store, 'alice');
    const accounts = createAccounts(store);
    expect((await accounts.byName('alice'))?.user.username).toBe('alice');
    await postgresql.stop();
    try {
      await expect(async () => accounts.byName('alice')).rejects.toMatchObject({ status: 503 });
      await expect(store.users.get('alice')).rejects.toMatchObject({
        status: 503,
        code: 'TEMPORARILY_UNAVAILABLE',
      });
      await expect(addUser(store, 'bob')).rejects.toMatchObject({ status: 503 });
    } finally {
      await postgresql.start();
    }
    await expect
      .poll(async () => {
        try {
          return (await accounts.byName('alice'))?.user.username;
        } catch {
          return undefined;
        }
      })
      .toBe('alice');
    await addUser(store, 'bob');
  }, 60_000);

  test('slow: a write that waits for another is a 503 after its time, and reads go on', async () => {
    const uri = await postgresql.database();
    const store = await open(uri);
    await addUser(store, 'alice');
    const other = new pg.Client(uri.replace('+psycopg2', ''));
    await other.connect();
    await other.query('begin; lock table users in exclusive mode');
    const begun = performance.now();
    const write = addUser(store, 'bob').catch((error: { status?: number }) => error.status);
    expect((await store.users.get('alice'))?.username).toBe('alice');
    expect(await write).toBe(503);
    expect(performance.now() - begun).toBeLessThan(6_000);
    await other.query('rollback');
    await other.end();
    await addUser(store, 'bob');
  });
});

describe('copying', () => {
  async function filled(store: Store) {
    const alice = await addUser(store, 'alice', true);
    const gone = await addUser(store, 'gone');
    await store.users.remove(gone.id);
    const role = await store.roles.create({ name: 'team', description: 'ü' });
    await store.roles.assign(alice.id, role.id);
    await store.roles.addPermission(role.id, 'experiment', '*', 'READ');
    await store.grants.create(alice.id, 'registered_model', 'ä b', 'MANAGE');
    await store.intents.open({ action: 'delete', kind: 'registered_model', name: 'x' }, alice.id, 17);
    await store.owners.record('job', 'j', { userId: alice.id, experimentId: undefined });
    return { alice, gone };
  }

  test.each(['to PostgreSQL', 'from PostgreSQL'])(
    '%s brings everything, and no id comes back',
    async (which) => {
      const [server, file] = [
        await postgresql.database(),
        `sqlite:///${join(temporaryDirectory(), 'copy.db')}`,
      ];
      const [from, to] = which.startsWith('to') ? [file, server] : [server, file];
      const source = await open(from);
      const { alice, gone } = await filled(source);
      const key = await source.pageTokenKey();
      const intents = await source.intents.list();
      const copied = await copyRows(from, to, { clock: Date.now });
      expect(copied.get('users')).toBe(1);
      const target = await open(to);
      expect(await target.account('alice')).toEqual(await source.account('alice'));
      expect(await target.users.get('alice')).toEqual(alice);
      expect(await target.pageTokenKey()).toEqual(key);
      expect((await target.intents.list()).map(({ id, name, seen }) => [id, name, seen])).toEqual(
        intents.map(({ id, name, seen }) => [id, name, seen]),
      );
      expect((await addUser(target, 'new')).id).toBeGreaterThan(gone.id);
      await expect(copyRows(from, to, { clock: Date.now })).rejects.toThrow(/holds users already/);
    },
  );
});

test('MLflow’s own database is refused', async () => {
  const uri = await postgresql.database();
  const other = new pg.Client(uri.replace('+psycopg2', ''));
  await other.connect();
  await other.query('create table alembic_version (version_num text)');
  await other.end();
  await expect(openStore(uri, { clock: Date.now })).rejects.toThrow(/is MLflow's/);
});
