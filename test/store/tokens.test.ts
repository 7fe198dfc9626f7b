import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Store } from '../../src/store/index.ts';
import { MOST_TOKENS, type NewToken } from '../../src/store/tokens.ts';
import { ENGINES } from './engines.ts';
import { addUser } from './temporary.ts';

describe.each(ENGINES)('on $name', ({ name, open, uri }) => {
  const make = (store: Store, userId: number, more: Partial<NewToken> = {}) =>
    store.tokens.create({
      id: randomUUID(),
      userId,
      name: 'a token',
      hash: randomUUID(),
      prefix: 'mlag_abcd',
      ceiling: undefined,
      lifeMs: 60_000,
      createdBy: 'admin',
      ...more,
    });

  test('a token is found by its id, by its user and by its hash', async () => {
    const store = await open();
    const alice = await addUser(store, 'alice');
    const ceiling = { access: 'read', resources: [{ kind: 'experiment', id: '7' }] } as const;
    const token = await make(store, alice.id, { ceiling, hash: 'the hash' });
    expect(token).toEqual({
      id: token.id,
      userId: alice.id,
      username: 'alice',
      name: 'a token',
      prefix: 'mlag_abcd',
      ceiling,
      createdAt: expect.any(Number),
      expiresAt: token.createdAt + 60_000,
      lastUsedAt: undefined,
      createdBy: 'admin',
    });
    expect(await store.tokens.get(token.id)).toEqual(token);
    expect(await store.tokens.get('another')).toBeUndefined();
    expect(await store.tokens.ownersOf(['the hash', 'another'])).toEqual(
      new Map([['the hash', { username: 'alice', expiresAt: token.expiresAt }]]),
    );
    expect((await store.account('alice'))?.tokens).toEqual(new Map([['the hash', token]]));
    expect(await store.tokens.list({ userId: alice.id, after: undefined, max: 5 })).toEqual([token]);
  });

  test('a list is of one user or of all, in the order of ids, a page at a time', async () => {
    const store = await open();
    const [alice, bob] = [await addUser(store, 'alice'), await addUser(store, 'bob')];
    for (const [id, userId] of [
      ['b', alice.id],
      ['a', bob.id],
      ['c', alice.id],
    ] as const) {
      await make(store, userId, { id });
    }
    const ids = async (userId?: number, after?: string) =>
      (await store.tokens.list({ userId, after, max: 2 })).map(({ id }) => id);
    expect(await ids()).toEqual(['a', 'b']);
    expect(await ids(undefined, 'b')).toEqual(['c']);
    expect(await ids(alice.id)).toEqual(['b', 'c']);
    expect(await ids(bob.id)).toEqual(['a']);
  });

  test('making, rotating and deleting one is told to every gateway; using one is not', async () => {
    const place = await uri();
    const [one, other] = [await open(place), await open(place)];
    const alice = await addUser(one, 'alice');
    const feed = other.changes.follow();
    await feed.next();
    const { id } = await make(one, alice.id);
    expect(await feed.next()).toEqual([alice.id]);
    await one.tokens.noteUse(new Map([[id, 1_000]]), 60_000);
    expect(await feed.next()).toBe('nothing');
    await one.tokens.rotate(id, { hash: 'new', prefix: 'new', lifeMs: 1 });
    expect(await feed.next()).toEqual([alice.id]);
    expect(await one.tokens.remove(id)).toBe(true);
    expect(await feed.next()).toEqual([alice.id]);
    expect(await one.tokens.remove(id)).toBe(false);
    expect(await one.tokens.rotate(id, { hash: 'newer', prefix: 'new', lifeMs: 1 })).toBeUndefined();
    expect(await feed.next()).toBe('nothing');
  });

  test('a rotated one has another hash and lives from now on', async () => {
    const store = await open();
    const alice = await addUser(store, 'alice');
    const token = await make(store, alice.id, { hash: 'old' });
    await store.tokens.noteUse(new Map([[token.id, 1_000]]), 60_000);
    expect((await store.tokens.get(token.id))?.lastUsedAt).toBe(1_000);
    const rotated = await store.tokens.rotate(token.id, {
      hash: 'new',
      prefix: 'mlag_wxyz',
      lifeMs: undefined,
    });
    expect(rotated).toMatchObject({ id: token.id, name: token.name, prefix: 'mlag_wxyz' });
    expect([rotated?.expiresAt, rotated?.lastUsedAt]).toEqual([undefined, undefined]);
    expect((await store.tokens.ownersOf(['old'])).size).toBe(0);
    expect([...((await store.account('alice'))?.tokens.keys() ?? [])]).toEqual(['new']);
  });

  test('one lives no longer than it may', async () => {
    const store = await open();
    const alice = await addUser(store, 'alice');
    expect((await make(store, alice.id, { lifeMs: undefined, notAfter: 5 })).expiresAt).toBe(5);
    expect((await make(store, alice.id, { lifeMs: 1e9, notAfter: 5 })).expiresAt).toBe(5);
    expect((await make(store, alice.id, { lifeMs: undefined })).expiresAt).toBeUndefined();
  });

  test('it goes with its user, and an account holds none that has expired', async () => {
    const store = await open();
    const alice = await addUser(store, 'alice');
    await make(store, alice.id, { hash: 'over', lifeMs: -1 });
    const { id } = await make(store, alice.id, { hash: 'good' });
    expect([...((await store.account('alice'))?.tokens.keys() ?? [])]).toEqual(['good']);
    await store.users.remove(alice.id);
    expect(await store.tokens.get(id)).toBeUndefined();
    expect((await store.tokens.ownersOf(['good'])).size).toBe(0);
    await addUser(store, 'alice');
    expect((await store.account('alice'))?.tokens.size).toBe(0);
  });

  // A thousand of them take another database a while.
  test.runIf(name === 'SQLite')(
    'a user has so many and no more; those long over are gone',
    async () => {
      const store = await open();
      const alice = await addUser(store, 'alice');
      const old = await make(store, alice.id, { lifeMs: -40 * 86_400_000 });
      await store.atOnce(async ({ tokens }) => {
        for (let index = 0; index < MOST_TOKENS; index += 1) {
          await make({ ...store, tokens }, alice.id);
        }
      });
      expect(await store.tokens.get(old.id)).toBeUndefined();
      await expect(make(store, alice.id)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
      expect(await make(store, (await addUser(store, 'bob')).id)).toBeDefined();
    },
    60_000,
  );
});
