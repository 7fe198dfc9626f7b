import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test, vi } from 'vitest';
import { createChanges, type Follower } from '../../src/store/changes.ts';
import type { FeedAnswer } from '../../src/store/engine.ts';
import type { Store } from '../../src/store/index.ts';
import { CHANGES_KEPT } from '../../src/store/write.ts';
import { ENGINES } from './engines.ts';
import { addUser } from './temporary.ts';

/** A follower that has begun: what is committed from now on it must tell. */
async function following({ changes }: Store): Promise<Follower> {
  const feed = changes.follow();
  await feed.next();
  return feed;
}

describe.each(ENGINES)('on $name', ({ open, uri, run, rows, empty }) => {
  test('each write names whom it concerns, once', async () => {
    const store = await open();
    const alice = await addUser(store, 'alice');
    const bob = await addUser(store, 'bob');
    const role = await store.roles.create({ name: 'team' });
    const feed = store.changes.follow();
    expect(await feed.next()).toBe('nothing');

    const about = async (write: Promise<unknown>) => {
      await write;
      const change = await feed.next();
      expect(await feed.next()).toBe('nothing');
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
    const store = await open();
    const alice = await addUser(store, 'alice');
    const bob = await addUser(store, 'bob');
    const role = await store.roles.create({ name: 'team' });
    await store.grants.create(bob.id, 'registered_model', 'm', 'READ');
    const feed = await following(store);
    await store.grants.adopt({ kind: 'registered_model', id: 'm', userId: alice.id });
    expect(await feed.next()).toEqual([bob.id, alice.id]);
    await store.grants.rename({ kind: 'registered_model', from: 'm', to: 'n' });
    expect(await feed.next()).toEqual([alice.id]);
    await store.roles.addPermission(role.id, 'registered_model', 'n', 'READ');
    expect(await feed.next()).toBe('everybody');
    await store.grants.forget({ kind: 'registered_model', id: 'n' });
    expect(await feed.next()).toBe('everybody');
  });

  test('writes that alter nobody’s rights, or nothing at all, name nobody', async () => {
    const store = await open();
    const alice = await addUser(store, 'alice', true);
    const feed = await following(store);
    await store.intents.open({ action: 'create', kind: 'experiment', name: 'a' }, alice.id);
    await store.grants.delete(alice.id, 'experiment', '1');
    await store.grants.forget({ kind: 'experiment', id: '1' });
    await expect(store.users.remove(alice.id)).rejects.toThrow();
    expect(await feed.next()).toBe('nothing');
  });

  test('a change is told once, however often a transaction under way is interrupted by the question', async () => {
    const store = await open();
    const alice = await addUser(store, 'alice');
    const feed = await following(store);
    const writing = store.grants.create(alice.id, 'experiment', '1', 'READ');
    const seen = [];
    let done = false;
    writing.then(() => {
      done = true;
    });
    while (!done) {
      seen.push(await feed.next());
    }
    expect([...seen, await feed.next()].filter((change) => change !== 'nothing')).toEqual([[alice.id]]);
  });

  test('another connection’s change is seen on the next call', async () => {
    const place = await uri();
    const [here, there] = await Promise.all([open(place), open(place)]);
    const alice = await addUser(here, 'alice');
    const feed = await following(here);
    await there.users.setPassword(alice.id, 'new');
    expect(await feed.next()).toEqual([alice.id]);
    expect(await feed.next()).toBe('nothing');
  });

  test('so is the change of a real other process', async () => {
    const place = await uri();
    const store = await open(place);
    const alice = await addUser(store, 'alice');
    const feed = await following(store);
    const script = `
      const { openStore } = await import(${JSON.stringify(new URL('../../src/store/index.ts', import.meta.url).href)});
      const store = await openStore(process.argv[1], { clock: Date.now });
      await store.users.setAdmin(${alice.id}, true);
      await store.close();`;
    await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script, place], {
      timeout: 20_000,
    });
    expect(await feed.next()).toEqual([alice.id]);
    expect(await store.account('alice')).toMatchObject({ user: { isAdmin: true } });
  }, 30_000);

  test('none is missed though many are committed at once by several', async () => {
    const place = await uri();
    const stores = await Promise.all([open(place), open(place), open(place)]);
    const [first] = stores;
    const ids = await first.atOnce(async ({ users }) => {
      const made = [];
      for (let number = 0; number < 30; number += 1) {
        made.push(await users.create({ username: `user-${number}`, passwordHash: 'x', isAdmin: false }));
      }
      return made.map(({ id }) => id);
    });
    const feed = await following(first);
    const told = new Set<number>();
    const note = async () => {
      const change = await feed.next();
      for (const id of change === 'nothing' || change === 'everybody' ? [] : change) {
        told.add(id);
      }
    };
    let done = false;
    const writes = Promise.all(
      ids.map((id, index) => stores[index % 3]?.grants.create(id, 'experiment', '1', 'READ')),
    ).then(() => {
      done = true;
    });
    while (!done) {
      await note();
      await new Promise(setImmediate);
    }
    await writes;
    await note();
    expect(told.size).toBe(ids.length);
  });

  test('followers do not take the news from one another', async () => {
    const store = await open();
    const [one, two] = [await following(store), await following(store)];
    const alice = await addUser(store, 'alice');
    expect(await one.next()).toEqual([alice.id]);
    expect(await two.next()).toEqual([alice.id]);
  });

  describe('a follower that cannot know what it missed takes it for everything', () => {
    test('when the rows it had not read were pruned', async () => {
      const place = await uri();
      const store = await open(place);
      const alice = await addUser(store, 'alice');
      const feed = await following(store);
      await run(
        place,
        `with recursive n(i) as (select 1 union all select i + 1 from n where i < ${CHANGES_KEPT})
          insert into changes (user_id, at) select 4711, 0 from n`,
      );
      await store.users.setPassword(alice.id, 'new');
      const [kept] = await rows(place, 'select count(*) as count from changes');
      expect(Number(kept?.['count'])).toBe(CHANGES_KEPT);
      expect(await feed.next()).toBe('everybody');
      expect(await feed.next()).toBe('nothing');
      await store.users.setPassword(alice.id, 'newer');
      expect(await feed.next()).toEqual([alice.id]);
    });

    test('when it had read nothing yet and the first rows are gone', async () => {
      const place = await uri();
      const store = await open(place);
      const feed = await following(store);
      const alice = await addUser(store, 'alice');
      await store.users.setPassword(alice.id, 'new');
      await run(place, 'delete from changes where id = 1');
      expect(await feed.next()).toBe('everybody');
    });

    test('when the feed was emptied or put back', async () => {
      const place = await uri();
      const store = await open(place);
      const alice = await addUser(store, 'alice');
      const feed = await following(store);
      await empty(place, 'changes');
      expect(await feed.next()).toBe('everybody');
      await store.users.setPassword(alice.id, 'new');
      expect(await feed.next()).toEqual([alice.id]);
    });

    test('when more users are concerned than are named', async () => {
      const store = await open();
      await store.atOnce(async ({ users, grants }) => {
        for (let number = 0; number < 101; number += 1) {
          const { id } = await users.create({
            username: `user-${number}`,
            passwordHash: 'x',
            isAdmin: false,
          });
          await grants.create(id, 'experiment', '1', 'READ');
        }
      });
      const feed = await following(store);
      await store.grants.forget({ kind: 'experiment', id: '1' });
      expect(await feed.next()).toBe('everybody');
    });
  });
});

test('a commit between two questions is not missed', () => {
  const rows = [{ id: 7, user_id: 1 }];
  const { next } = createChanges({
    followFeed: () => ({ newest: () => 7, from: (id) => rows.filter((row) => row.id >= id) }),
  }).follow();
  expect(next()).toBe('nothing');
  rows.push({ id: 8, user_id: 4711 });
  expect(next()).toEqual([4711]);
  expect(next()).toBe('nothing');
});

describe('a feed that answers with a promise', () => {
  /** A feed whose answers the test gives, one question at a time. */
  function asked() {
    const questions: { readonly id: number; answer(what: FeedAnswer): void; fail(error: Error): void }[] = [];
    const { next } = createChanges({
      followFeed: () => ({
        newest: async () => 7,
        from: (id) => new Promise((answer, fail) => questions.push({ id, answer, fail })),
      }),
    }).follow();
    const question = async (number: number) => {
      await vi.waitFor(() => expect(questions).toHaveLength(number));
      const last = questions.at(-1);
      if (last === undefined) {
        throw new Error('nothing was asked');
      }
      return last;
    };
    return { next, question, count: () => questions.length };
  }

  test('is asked anew by those who come while a question is on its way, once for all of them', async () => {
    const { next, question, count } = asked();
    const first = next();
    (await question(1)).answer([{ id: 7, user_id: 1 }]);
    expect(await first).toBe('nothing');
    const second = next();
    const onItsWay = await question(2);
    const later = [next(), next(), next()];
    // What it tells was so before the others came.
    onItsWay.answer([{ id: 7, user_id: 1 }]);
    expect(await second).toBe('nothing');
    (await question(3)).answer([
      { id: 7, user_id: 1 },
      { id: 8, user_id: 4711 },
    ]);
    expect(await Promise.all(later)).toEqual([[4711], [4711], [4711]]);
    expect(count()).toBe(3);
  });

  test('is asked again after a failure, and takes a lost connection for everything', async () => {
    const { next, question } = asked();
    const failed = next();
    (await question(1)).fail(new Error('away'));
    await expect(failed).rejects.toThrow('away');
    const lost = next();
    (await question(2)).answer('lost');
    expect(await lost).toBe('everybody');
    // Begins again at the newest change.
    expect(await next()).toBe('everybody');
    const after = next();
    (await question(3)).answer([{ id: 7, user_id: 1 }]);
    expect(await after).toBe('nothing');
  });
});
