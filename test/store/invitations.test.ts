import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Store } from '../../src/store/index.ts';
import type { NewInvitation } from '../../src/store/invitations.ts';
import { NO_PASSWORD } from '../../src/store/types.ts';
import { ENGINES } from './engines.ts';
import { addUser } from './temporary.ts';

const HOUR = 3_600_000;

describe.each(ENGINES)('on $name', ({ open, uri, pass, run }) => {
  const invite = (store: Store, userId: number, more: Partial<NewInvitation> = {}) =>
    store.invitations.create({
      ...{ id: randomUUID(), userId, hash: randomUUID(), kind: 'invitation', lifeMs: HOUR },
      createdBy: 'admin',
      ...more,
    });
  const idsOf = async (store: Store, userId?: number, after?: string) =>
    (await store.invitations.list({ userId, after, max: 10 })).map(({ id }) => id);

  test('is found by its id and by its hash, and in the lists of its user and of all', async () => {
    const store = await open();
    const [alice, bob] = [await addUser(store, 'alice'), await addUser(store, 'bob')];
    const made = await invite(store, alice.id, { id: 'b', hash: 'the hash' });
    expect(made).toEqual({
      ...{ id: 'b', userId: alice.id, username: 'alice', kind: 'invitation', createdBy: 'admin' },
      createdAt: expect.any(Number),
      expiresAt: made.createdAt + HOUR,
    });
    await invite(store, bob.id, { id: 'a', kind: 'password_reset' });
    expect(await store.invitations.get('b')).toEqual(made);
    expect(await store.invitations.byHash('the hash')).toEqual(made);
    expect(await store.invitations.byHash('another')).toBeUndefined();
    expect(await idsOf(store)).toEqual(['a', 'b']);
    expect(await idsOf(store, undefined, 'a')).toEqual(['b']);
    expect(await idsOf(store, alice.id)).toEqual(['b']);
  });

  test('is taken once, and not when its time is over', async () => {
    const place = await uri();
    const store = await open(place);
    const alice = await addUser(store, 'alice');
    const { id } = await invite(store, alice.id, { hash: 'one' });
    expect((await store.invitations.take('one'))?.id).toBe(id);
    expect(await store.invitations.take('one')).toBeUndefined();
    const late = await invite(store, alice.id, { hash: 'two' });
    await pass(place, HOUR);
    expect(await store.invitations.get(late.id)).toBeUndefined();
    expect(await store.invitations.take('two')).toBeUndefined();
    expect(await idsOf(store)).toEqual([]);
  });

  test('of many who take it at once, through two gateways, one gets it', async () => {
    const place = await uri();
    const [one, other] = [await open(place), await open(place)];
    const alice = await addUser(one, 'alice');
    await invite(one, alice.id, { hash: 'the hash' });
    const taken = await Promise.all(
      Array.from({ length: 8 }, (_, at) => (at % 2 === 0 ? one : other).invitations.take('the hash')),
    );
    expect(taken.filter((each) => each !== undefined)).toHaveLength(1);
  });

  test.each<[what: string, end: (store: Store, userId: number) => Promise<unknown>]>([
    ['another', (store, id) => invite(store, id)],
    ['a password that another sets', ({ users }, id) => users.setPassword(id, 'x')],
    ['a password of their own', ({ users }, id) => users.changePassword(id, 'hash of alice', 'x')],
    ['being disabled', ({ users }, id) => users.setActive(id, false)],
    ['being deleted', ({ users }, id) => users.remove(id)],
  ])('is ended by %s', async (_, end) => {
    const store = await open();
    await addUser(store, 'admin', true);
    const [alice, bob] = [await addUser(store, 'alice'), await addUser(store, 'bob')];
    const { id } = await invite(store, alice.id, { hash: 'the hash' });
    const others = await invite(store, bob.id);
    await end(store, alice.id);
    await store.users.setActive(alice.id, true);
    expect(await store.invitations.byHash('the hash')).toBeUndefined();
    expect(await store.invitations.remove(id)).toBe(false);
    expect(await store.invitations.get(others.id)).toEqual(others);
  });

  test('of a user whom an older gateway has disabled, it does not count', async () => {
    const place = await uri();
    const store = await open(place);
    const alice = await addUser(store, 'alice');
    await invite(store, alice.id, { hash: 'the hash' });
    await run(place, "update users set is_active = 0 where username = 'alice'");
    expect(await store.invitations.byHash('the hash')).toBeUndefined();
    expect(await store.invitations.take('the hash')).toBeUndefined();
  });

  test('an admin who has chosen no password yet is not the one who is left', async () => {
    const { users, identities } = await open();
    const admin = await users.create({ username: 'admin', passwordHash: 'x', isAdmin: true });
    const { id } = await users.create({ username: 'invited', passwordHash: NO_PASSWORD, isAdmin: true });
    await expect(users.remove(admin.id)).rejects.toThrow('is the last admin');
    await expect(users.setAdmin(admin.id, false)).rejects.toThrow('is the last admin');
    await identities.link({ userId: id, issuer: 'https://sso', subject: 's', isBrought: false });
    expect(await users.setAdmin(admin.id, false)).toBe(true);
  });
});
