import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Store } from '../../src/store/index.ts';
import { MOST_SESSIONS, type NewSession } from '../../src/store/sessions.ts';
import { ENGINES } from './engines.ts';
import { addUser } from './temporary.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

describe.each(ENGINES)('on $name', ({ open, uri }) => {
  const begin = (store: Store, userId: number, more: Partial<NewSession> = {}) =>
    store.sessions.create({
      id: randomUUID(),
      userId,
      hash: randomUUID(),
      lifeMs: HOUR,
      idleMs: 10 * MINUTE,
      ip: '192.0.2.1',
      userAgent: 'a browser',
      ...more,
    });
  const idsOf = async (store: Store, userId?: number, after?: string) =>
    (await store.sessions.list({ userId, after, max: 1000, idleMs: 10 * MINUTE })).map(({ id }) => id);

  test('a session is found by its id, by its user and by its hash', async () => {
    const store = await open();
    const alice = await addUser(store, 'alice');
    const session = await begin(store, alice.id, { hash: 'the hash' });
    expect(session).toEqual({
      id: session.id,
      userId: alice.id,
      username: 'alice',
      createdAt: expect.any(Number),
      lastUsedAt: session.createdAt,
      expiresAt: session.createdAt + HOUR,
      ip: '192.0.2.1',
      userAgent: 'a browser',
    });
    expect(await store.sessions.get(session.id)).toEqual(session);
    expect(await store.sessions.get('another')).toBeUndefined();
    expect(await store.sessions.byHash('the hash')).toEqual(session);
    expect(await store.sessions.byHash('another')).toBeUndefined();
    expect(await store.sessions.ownersOf(['another', 'the hash'])).toEqual(new Map([['the hash', session]]));
    expect((await store.account('alice'))?.sessions).toEqual(new Map([['the hash', session]]));
    expect(await store.sessions.list({ userId: alice.id, after: undefined, max: 5, idleMs: MINUTE })).toEqual(
      [session],
    );
  });

  test('a list is of one user or of all, in the order of ids', async () => {
    const store = await open();
    const [alice, bob] = [await addUser(store, 'alice'), await addUser(store, 'bob')];
    await begin(store, alice.id, { id: 'b', ip: undefined, userAgent: undefined });
    await begin(store, bob.id, { id: 'a' });
    await begin(store, alice.id, { id: 'c' });
    expect(await idsOf(store)).toEqual(['a', 'b', 'c']);
    expect(await idsOf(store, undefined, 'b')).toEqual(['c']);
    expect(await idsOf(store, alice.id)).toEqual(['b', 'c']);
  });

  test('its beginning and its end are told to every gateway; its use is not', async () => {
    const place = await uri();
    const [one, other] = [await open(place), await open(place)];
    const alice = await addUser(one, 'alice');
    const feed = other.changes.follow();
    await feed.next();
    const { id, createdAt } = await begin(one, alice.id);
    expect(await feed.next()).toEqual([alice.id]);
    await one.sessions.noteUse(new Map([[id, createdAt + MINUTE]]), MINUTE);
    expect(await feed.next()).toBe('nothing');
    expect((await other.sessions.get(id))?.lastUsedAt).toBe(createdAt + MINUTE);
    await one.sessions.noteUse(new Map([[id, createdAt + 2 * MINUTE - 1]]), MINUTE);
    expect((await other.sessions.get(id))?.lastUsedAt).toBe(createdAt + MINUTE);
    expect(await one.sessions.remove(id)).toBe(true);
    expect(await feed.next()).toEqual([alice.id]);
    expect(await one.sessions.remove(id)).toBe(false);
    expect(await feed.next()).toBe('nothing');
  });

  test('those of a user end with a new password, but for one that is named, and when the user may not sign in', async () => {
    const store = await open();
    const [alice, bob] = [await addUser(store, 'alice'), await addUser(store, 'bob')];
    const three = async () => {
      for (const id of ['one', 'two', 'three']) {
        await begin(store, alice.id, { id });
      }
    };
    await begin(store, bob.id, { id: 'of bob' });
    await three();
    expect(await store.users.changePassword(alice.id, 'another hash', 'new', 'two')).toBe(false);
    expect(await idsOf(store, alice.id)).toHaveLength(3);
    expect(await store.users.changePassword(alice.id, alice.passwordHash, 'new', 'two')).toBe(true);
    expect(await idsOf(store)).toEqual(['of bob', 'two']);
    await store.users.changePassword(alice.id, 'new', 'newer');
    expect(await idsOf(store, alice.id)).toEqual([]);
    await three();
    await store.users.replacePasswordHash(alice.id, 'newer', 'the same, hashed again');
    await store.users.setAdmin(alice.id, true);
    expect(await idsOf(store, alice.id)).toHaveLength(3);
    await store.users.setPassword(alice.id, 'set');
    expect(await idsOf(store, alice.id)).toEqual([]);
    await three();
    await store.users.setAdmin(bob.id, true);
    await store.users.setActive(alice.id, false);
    expect(await idsOf(store)).toEqual(['of bob']);
    await three();
    await store.users.remove(alice.id);
    expect(await idsOf(store)).toEqual(['of bob']);
    expect(await store.sessions.get('one')).toBeUndefined();
  });

  test('one that has ended is listed no more, and removed: by whoever signs in next, and now and again', async () => {
    const store = await open();
    const [alice, bob] = [await addUser(store, 'alice'), await addUser(store, 'bob')];
    const feed = store.changes.follow();
    const { createdAt } = await begin(store, alice.id, { id: 'good' });
    const over = () => begin(store, alice.id, { id: 'over', lifeMs: -1 });
    const idle = async () => {
      await begin(store, alice.id, { id: 'idle' });
      await store.sessions.noteUse(new Map([['idle', createdAt]]), -HOUR);
    };
    await over();
    await idle();
    expect(await idsOf(store, alice.id)).toEqual(['good', 'idle']);
    expect([...((await store.account('alice'))?.sessions.values() ?? [])].map(({ id }) => id)).toEqual(
      expect.arrayContaining(['good', 'idle']),
    );
    await feed.next();
    await store.sessions.prune(10 * MINUTE);
    expect(await store.sessions.get('over')).toBeUndefined();
    expect(await store.sessions.get('idle')).toBeDefined();
    expect(await feed.next()).toBe('nothing');
    await store.sessions.prune(-3 * MINUTE);
    expect(await idsOf(store)).toEqual([]);
    expect(await feed.next()).toEqual([alice.id]);
    await over();
    await begin(store, bob.id, { id: 'of bob' });
    expect(await store.sessions.get('over')).toBeUndefined();
  });

  test('the one that was used longest ago makes room where a user has very many', async () => {
    const store = await open();
    const [alice, bob] = [await addUser(store, 'alice'), await addUser(store, 'bob')];
    await begin(store, bob.id, { id: 'of bob' });
    const { createdAt } = await begin(store, alice.id, { id: 'first' });
    await store.sessions.noteUse(new Map([['first', createdAt + HOUR]]), MINUTE);
    await store.atOnce(async ({ sessions }) => {
      for (let index = 1; index < MOST_SESSIONS; index += 1) {
        await sessions.create({
          ...{
            id: `s${index + 1000}`,
            userId: alice.id,
            hash: `h${index}`,
            ip: undefined,
            userAgent: undefined,
          },
          ...{ lifeMs: HOUR, idleMs: HOUR },
        });
      }
    });
    expect(await idsOf(store, alice.id)).toHaveLength(MOST_SESSIONS);
    await begin(store, alice.id, { id: 'newest' });
    const left = await idsOf(store, alice.id);
    expect(left).toHaveLength(MOST_SESSIONS);
    expect(left).toEqual(expect.arrayContaining(['first', 'newest']));
    expect(left).not.toContain('s1001');
    expect(await store.sessions.get('of bob')).toBeDefined();
  });
});
