/** What is so of SQLite alone: its files, and that one process at a time writes. */
import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import Sqlite from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { openStore } from '../../src/store/index.ts';
import { addUser, open, temporaryDirectory, temporaryUri } from './temporary.ts';

const clock = () => 0;
/** Where Linux lists the locks of all processes, each with the number of its file. */
const LOCKS = '/proc/locks';
const fileOf = (uri: string): string => uri.slice('sqlite:///'.length);

test('an empty file is made into a store that only its owner can read', async () => {
  const uri = temporaryUri();
  const store = await open(uri);
  await addUser(store, 'alice');
  for (const suffix of ['', '-wal', '-shm']) {
    expect(statSync(fileOf(uri) + suffix).mode & 0o777, suffix).toBe(0o600);
  }
});

test.each([
  ['a file that is no database', 'text.db', 'it is not a database'],
  ['a directory', '', 'it is a directory'],
  ['a file in no directory', 'missing/x.db', 'there is no such directory'],
  ['a file below a file', 'text.db/x.db', 'there is no such directory'],
])('%s is refused, and said which setting names it', async (_, name, reason) => {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, 'text.db'), 'these are not the pages of a database, whatever it is called');
  const file = join(directory, name);
  await expect(openStore(`sqlite:///${file}`, { clock })).rejects.toThrow(
    `${resolve(file)} cannot be opened as the store: ${reason}. Name another file in database_uri (MLFLOW_AUTH_DATABASE_URI)`,
  );
});

test.runIf(existsSync(LOCKS))(
  'a file that is opened again stays locked by those who opened it before',
  async () => {
    const uri = temporaryUri();
    const store = await open(uri);
    await addUser(store, 'alice');
    const lock = `:${statSync(fileOf(uri)).ino} `;
    expect(readFileSync(LOCKS, 'utf8')).toContain(lock);
    await (await open(uri)).close();
    expect(readFileSync(LOCKS, 'utf8')).toContain(lock);
  },
);

describe.each([
  ['a file', temporaryUri],
  ['memory', () => 'sqlite://'],
])('in %s', (_, uri) => {
  test('a store works, and tells at once, without a promise, what has changed', async () => {
    const store = await open(uri());
    const follower = store.changes.follow();
    expect(follower.next()).toBe('nothing');
    const alice = await addUser(store, 'alice');
    expect(follower.next()).toEqual([alice.id]);
    expect(follower.next()).toBe('nothing');
    expect(await store.users.list()).toHaveLength(1);
  });

  test('what is rolled back is neither there nor told', async () => {
    const store = await open(uri());
    const follower = store.changes.follow();
    const work = store.atOnce(async ({ users }) => {
      await users.create({ username: 'alice', passwordHash: 'x', isAdmin: false });
      throw new Error('broken off');
    });
    await expect(work).rejects.toThrow('broken off');
    expect(follower.next()).toBe('nothing');
    expect(await store.users.list()).toEqual([]);
  });

  test('a change is told once, however often a transaction under way is interrupted by the question', async () => {
    const store = await open(uri());
    const alice = await addUser(store, 'alice');
    const feed = store.changes.follow();
    const writing = store.grants.create(alice.id, 'experiment', '1', 'READ');
    const seen = [];
    let done = false;
    writing.then(() => {
      done = true;
    });
    while (!done) {
      seen.push(feed.next());
      await Promise.resolve();
    }
    expect([...seen, feed.next()].filter((change) => change !== 'nothing')).toEqual([[alice.id]]);
  });
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
