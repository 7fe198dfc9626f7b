import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import Sqlite from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { createChanges } from '../../src/store/changes.ts';
import type { Store } from '../../src/store/index.ts';
import { CHANGES_KEPT } from '../../src/store/write.ts';
import { addUser, open, temporaryUri } from './temporary.ts';

const fileOf = (uri: string): string => uri.slice('sqlite:///'.length);

describe.each(['file', 'memory'])('in a store kept in a %s', (where) => {
  const fresh = (): Promise<Store> => open(where === 'memory' ? 'sqlite://' : temporaryUri());

  test('each write names whom it concerns, once', async () => {
    const store = await fresh();
    const alice = await addUser(store, 'alice');
    const bob = await addUser(store, 'bob');
    const role = await store.roles.create({ name: 'team' });
    const feed = store.changes.follow();
    expect(feed.next()).toBe('nothing');

    const about = async (write: Promise<unknown>) => {
      await write;
      const change = feed.next();
      expect(feed.next()).toBe('nothing');
      return change;
    };
    expect(await about(store.users.setPassword(alice.id, 'new'))).toEqual([alice.id]);
    expect(await about(store.users.replacePasswordHash(alice.id, 'new', 'newer'))).toEqual([alice.id]);
    expect(await about(store.users.setAdmin(bob.id, true))).toEqual([bob.id]);
    expect(await about(store.grants.create(alice.id, 'experiment', '1', 'READ'))).toEqual([alice.id]);
    expect(await about(store.grants.update(alice.id, 'experiment', '1', 'EDIT'))).toEqual([alice.id]);
    expect(await about(store.grants.delete(alice.id, 'experiment', '1'))).toEqual([alice.id]);
    expect(await about(store.roles.assign(alice.id, role.id))).toEqual([alice.id]);
    expect(await about(store.roles.unassign(alice.id, role.id))).toEqual([alice.id]);
    expect(await about(store.roles.addPermission(role.id, 'experiment', '*', 'READ'))).toBe('everybody');
    const [permission] = (await store.roles.get(role.id))?.permissions ?? [];
    const permissionId = permission?.id ?? 0;
    expect(await about(store.roles.updatePermission(permissionId, 'EDIT'))).toBe('everybody');
    expect(await about(store.roles.removePermission(permissionId))).toBe('everybody');
    expect(await about(store.roles.update(role.id, { name: 'crew' }))).toBe('everybody');
    expect(await about(store.roles.remove(role.id))).toBe('everybody');
    expect(await about(store.users.remove(alice.id))).toEqual([alice.id]);
  });

  test('adopting, renaming and forgetting name everybody who gains or loses', async () => {
    const store = await fresh();
    const alice = await addUser(store, 'alice');
    const bob = await addUser(store, 'bob');
    const role = await store.roles.create({ name: 'team' });
    await store.grants.create(bob.id, 'registered_model', 'm', 'READ');
    const feed = store.changes.follow();
    await store.grants.adopt({ kind: 'registered_model', id: 'm', userId: alice.id });
    expect(feed.next()).toEqual([bob.id, alice.id]);
    await store.grants.rename({ kind: 'registered_model', from: 'm', to: 'n' });
    expect(feed.next()).toEqual([alice.id]);
    await store.roles.addPermission(role.id, 'registered_model', 'n', 'READ');
    expect(feed.next()).toBe('everybody');
    await store.grants.forget({ kind: 'registered_model', id: 'n' });
    expect(feed.next()).toBe('everybody');
  });

  test('writes that alter nobody’s rights, or nothing at all, name nobody', async () => {
    const store = await fresh();
    const alice = await addUser(store, 'alice', true);
    const feed = store.changes.follow();
    await store.intents.open({ action: 'create', kind: 'experiment', name: 'a' }, alice.id);
    await store.grants.delete(alice.id, 'experiment', '1');
    await store.grants.forget({ kind: 'experiment', id: '1' });
    await expect(store.users.remove(alice.id)).rejects.toThrow();
    expect(feed.next()).toBe('nothing');
  });

  test('a change is told once, however often a transaction under way is interrupted by the question', async () => {
    const store = await fresh();
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

test('while nothing is committed the feed is not read', () => {
  let version = 1;
  let reads = 0;
  const feed = createChanges({
    version: () => version,
    newestChange: () => 7,
    changesFrom: (id) => {
      reads += 1;
      return [{ id, user_id: 1 }];
    },
  }).follow();
  for (const committed of [1, 2, 2, 3, 3]) {
    version = committed;
    expect(feed.next()).toBe('nothing');
  }
  expect(reads).toBe(2);
});

test('a commit between the two questions is not missed', () => {
  let version = 1;
  const rows = [{ id: 7, user_id: 1 }];
  const feed = createChanges({
    version: () => version,
    newestChange: () => 7,
    changesFrom(id) {
      const found = rows.filter((row) => row.id >= id);
      // Another process commits right behind the first answer.
      if (version === 2) {
        version = 3;
        rows.push({ id: 8, user_id: 4711 });
      }
      return found;
    },
  }).follow();
  version = 2;
  expect(feed.next()).toBe('nothing');
  expect(feed.next()).toEqual([4711]);
});

describe('across processes', () => {
  test('another connection’s change is seen on the next call', async () => {
    const uri = temporaryUri();
    const [here, there] = await Promise.all([open(uri), open(uri)]);
    const alice = await addUser(here, 'alice');
    const feed = here.changes.follow();
    await there.users.setPassword(alice.id, 'new');
    expect(feed.next()).toEqual([alice.id]);
    expect(feed.next()).toBe('nothing');
  });

  test('so is the change of a real other process', async () => {
    const uri = temporaryUri();
    const store = await open(uri);
    const alice = await addUser(store, 'alice');
    const feed = store.changes.follow();
    const script = `
      const { openStore } = await import(${JSON.stringify(new URL('../../src/store/index.ts', import.meta.url).href)});
      const store = await openStore(process.argv[1], { clock: Date.now });
      await store.users.setAdmin(${alice.id}, true);
      await store.close();`;
    await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script, uri], {
      timeout: 20_000,
    });
    expect(feed.next()).toEqual([alice.id]);
    expect(await store.account('alice')).toMatchObject({ user: { isAdmin: true } });
  }, 30_000);

  test('followers do not take the news from one another', async () => {
    const store = await open();
    const [one, two] = [store.changes.follow(), store.changes.follow()];
    const alice = await addUser(store, 'alice');
    expect(one.next()).toEqual([alice.id]);
    expect(two.next()).toEqual([alice.id]);
  });
});

describe('a follower that cannot know what it missed takes it for everything', () => {
  test('when the rows it had not read were pruned', async () => {
    const uri = temporaryUri();
    const store = await open(uri);
    const alice = await addUser(store, 'alice');
    const feed = store.changes.follow();
    const raw = new Sqlite(fileOf(uri));
    raw.exec(`with recursive n(i) as (select 1 union all select i + 1 from n where i < ${CHANGES_KEPT})
      insert into changes (user_id, at) select 4711, 0 from n`);
    await store.users.setPassword(alice.id, 'new');
    expect(raw.prepare('select count(*) from changes').pluck().get()).toBe(CHANGES_KEPT);
    raw.close();
    expect(feed.next()).toBe('everybody');
    expect(feed.next()).toBe('nothing');
    await store.users.setPassword(alice.id, 'newer');
    expect(feed.next()).toEqual([alice.id]);
  });

  test('when it had read nothing yet and the first rows are gone', async () => {
    const uri = temporaryUri();
    const store = await open(uri);
    const feed = store.changes.follow();
    const alice = await addUser(store, 'alice');
    await store.users.setPassword(alice.id, 'new');
    new Sqlite(fileOf(uri)).exec('delete from changes where id = 1').close();
    expect(feed.next()).toBe('everybody');
  });

  test('when the feed was emptied or put back', async () => {
    const uri = temporaryUri();
    const store = await open(uri);
    const alice = await addUser(store, 'alice');
    const feed = store.changes.follow();
    const raw = new Sqlite(fileOf(uri));
    raw.exec("delete from changes; delete from sqlite_sequence where name = 'changes'");
    raw.close();
    expect(feed.next()).toBe('everybody');
    await store.users.setPassword(alice.id, 'new');
    expect(feed.next()).toEqual([alice.id]);
  });

  test('when more users are concerned than are named', async () => {
    const store = await open();
    for (let number = 0; number < 101; number += 1) {
      const { id } = await addUser(store, `user-${number}`);
      await store.grants.create(id, 'experiment', '1', 'READ');
    }
    const feed = store.changes.follow();
    await store.grants.forget({ kind: 'experiment', id: '1' });
    expect(feed.next()).toBe('everybody');
  }, 20_000);
});
