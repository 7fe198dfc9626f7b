import { describe, expect, test } from 'vitest';
import { ENGINES } from './engines.ts';
import { addUser } from './temporary.ts';

describe.each(ENGINES)('on $name', ({ open, uri, run }) => {
  test('an account is the user with its own grants and those of its roles, and nobody else’s', async () => {
    const store = await open();
    const alice = await addUser(store, 'alice');
    const bob = await addUser(store, 'bob');
    const team = await store.roles.create({ name: 'team' });
    const other = await store.roles.create({ name: 'other' });
    await store.roles.assign(alice.id, team.id);
    await store.roles.assign(bob.id, other.id);
    await store.grants.create(alice.id, 'experiment', '1', 'EDIT');
    await store.grants.create(bob.id, 'experiment', '2', 'MANAGE');
    await store.roles.addPermission(team.id, 'experiment', '*', 'READ');
    await store.roles.addPermission(other.id, 'registered_model', '*', 'MANAGE');

    const account = await store.account('alice');
    expect(account?.user).toEqual(alice);
    expect(account?.grants).toHaveLength(2);
    expect(account?.grants).toEqual(
      expect.arrayContaining([
        { resourceType: 'experiment', resourcePattern: '1', permission: 'EDIT', via: 'user' },
        { resourceType: 'experiment', resourcePattern: '*', permission: 'READ', via: { role: 'team' } },
      ]),
    );
  });

  test('an account without grants is an account; without a user there is none', async () => {
    const store = await open();
    const alice = await addUser(store, 'alice', true);
    expect(await store.account('alice')).toEqual({
      identities: new Set(),
      holdsUntil: undefined,
      user: alice,
      grants: [],
      held: new Map(),
      tokens: new Map(),
      sessions: new Map(),
    });
    expect(await store.account('nobody')).toBeUndefined();
  });

  test('a permission this version does not know refuses', async () => {
    const place = await uri();
    const store = await open(place);
    const alice = await addUser(store, 'alice');
    await store.grants.create(alice.id, 'experiment', '1', 'READ');
    await run(place, "update grants set permission = 'SUPERVISE'");
    expect((await store.account('alice'))?.grants[0]?.permission).toBe('DENY');
  });
});
