/** What is so of PostgreSQL alone: a server that can be away. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createAccounts } from '../../src/identity/accounts.ts';
import { openStore, type Store } from '../../src/store/index.ts';
import { type RunningPostgresql, startPostgresql } from '../support/postgresql.ts';
import { addUser } from './temporary.ts';

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
