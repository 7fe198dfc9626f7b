import { describe, expect, test } from 'vitest';
import { ENGINES } from './engines.ts';
import { addUser, userById } from './temporary.ts';

describe.each(ENGINES)('on $name', ({ open, uri }) => {
  describe('a name', () => {
    test.each([
      ['alice', 'alice'],
      ['alice', 'ALICE'],
      ['foo', 'ｆｏｏ'],
      ['josé', 'jose\u0301'],
      ['Kelvin', '\u212Aelvin'],
      ['tel', '℡'],
    ])('%j is taken for %j', async (taken, wanted) => {
      const store = await open();
      await addUser(store, taken);
      await expect(addUser(store, wanted)).rejects.toMatchObject({
        code: 'RESOURCE_ALREADY_EXISTS',
        message: `User (username=${wanted}) already exists.`,
      });
      expect(await store.users.list()).toHaveLength(1);
    });

    test('is looked up exactly as it was given', async () => {
      const store = await open();
      const alice = await addUser(store, 'Alice');
      expect(await store.users.get('Alice')).toEqual(alice);
      expect(await store.users.get('alice')).toBeUndefined();
      expect(await store.account('alice')).toBeUndefined();
    });
  });

  test('a user is found by id, and an id never comes back', async () => {
    const store = await open();
    const first = await addUser(store, 'alice');
    expect(await userById(store, first.id)).toEqual({
      id: first.id,
      username: 'alice',
      passwordHash: 'hash of alice',
      isAdmin: false,
      isActive: true,
      isService: false,
      mustChangePassword: false,
      createdBy: undefined,
      createdAt: first.createdAt,
    });
    expect(await store.users.remove(first.id)).toBe(true);
    const second = await addUser(store, 'alice');
    expect(second.id).toBeGreaterThan(first.id);
    expect(await userById(store, first.id)).toBeUndefined();
  });

  test('verbs on a user that does not exist answer false', async () => {
    const { users } = await open();
    expect(await users.setPassword(99, 'x')).toBe(false);
    expect(await users.replacePasswordHash(99, 'x', 'y')).toBe(false);
    expect(await users.setAdmin(99, true)).toBe(false);
    expect(await users.setAdmin(99, false)).toBe(false);
    expect(await users.remove(99)).toBe(false);
  });

  test('a password is set; a hash is replaced only while it is the expected one', async () => {
    const { users, ...store } = await open();
    const { id } = await addUser({ users, ...store }, 'alice');
    expect(await users.setPassword(id, 'new')).toBe(true);
    expect(await users.replacePasswordHash(id, 'hash of alice', 'rehashed')).toBe(false);
    expect((await users.get('alice'))?.passwordHash).toBe('new');
    expect(await users.replacePasswordHash(id, 'new', 'rehashed')).toBe(true);
    expect((await users.get('alice'))?.passwordHash).toBe('rehashed');
  });

  describe('deleting a user', () => {
    test('takes grants, memberships and ownerships along, and leaves the role', async () => {
      const store = await open();
      const { id } = await addUser(store, 'alice');
      const role = await store.roles.create({ name: 'team' });
      await store.roles.assign(id, role.id);
      await store.grants.create(id, 'experiment', '1', 'READ');
      await store.owners.record('job', 'j', { userId: id, experimentId: '1' });
      await store.users.remove(id);
      expect(await store.grants.forResource('experiment', '1')).toEqual([]);
      expect(await store.roles.members(role.id)).toEqual([]);
      expect(await store.owners.get('job', 'j')).toBeUndefined();
      expect(await store.roles.get(role.id)).toBeDefined();
    });

    test('leaves nothing to a later user of that name', async () => {
      const store = await open();
      const { id } = await addUser(store, 'alice');
      await store.grants.create(id, 'experiment', '1', 'MANAGE');
      await store.users.remove(id);
      await addUser(store, 'alice');
      expect((await store.account('alice'))?.grants).toEqual([]);
    });
  });

  describe('the last admin', () => {
    test('is neither deleted nor made an ordinary user', async () => {
      const store = await open();
      const { id } = await addUser(store, 'root', true);
      await addUser(store, 'alice');
      const refusal = {
        code: 'BAD_REQUEST',
        message: expect.stringContaining('Make another user an admin first'),
      };
      await expect(store.users.remove(id)).rejects.toMatchObject(refusal);
      await expect(store.users.setAdmin(id, false)).rejects.toMatchObject(refusal);
      expect((await userById(store, id))?.isAdmin).toBe(true);
    });

    test('of two may go', async () => {
      const store = await open();
      const first = await addUser(store, 'first', true);
      const second = await addUser(store, 'second');
      await store.users.setAdmin(second.id, true);
      expect(await store.users.setAdmin(first.id, false)).toBe(true);
      expect(await store.users.remove(first.id)).toBe(true);
      await expect(store.users.remove(second.id)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    });

    test('does not stand in the way of deleting others', async () => {
      const store = await open();
      await addUser(store, 'root', true);
      const alice = await addUser(store, 'alice');
      expect(await store.users.remove(alice.id)).toBe(true);
    });

    test('stays when two gateways take the flag from the last two at once, again and again', async () => {
      const place = await uri();
      const [one, other] = [await open(place), await open(place)];
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
    });

    test.each(['remove', 'demote'])('stays when two processes race to %s the other one', async (verb) => {
      const place = await uri();
      const [here, there] = await Promise.all([open(place), open(place)]);
      const first = await addUser(here, 'first', true);
      const second = await addUser(here, 'second', true);
      const results = await Promise.allSettled([
        verb === 'remove' ? here.users.remove(first.id) : here.users.setAdmin(first.id, false),
        verb === 'remove' ? there.users.remove(second.id) : there.users.setAdmin(second.id, false),
      ]);
      expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
      expect((await here.users.list()).filter(({ isAdmin }) => isAdmin)).toHaveLength(1);
    });
  });
});
