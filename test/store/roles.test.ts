import { beforeEach, describe, expect, test } from 'vitest';
import type { Store } from '../../src/store/index.ts';
import { ENGINES } from './engines.ts';
import { addUser } from './temporary.ts';

describe.each(ENGINES)('on $name', ({ open }) => {
  let store: Store;
  beforeEach(async () => {
    store = await open();
  });

  describe('a role', () => {
    test('is made in the default workspace, found by id and name, and listed', async () => {
      const role = await store.roles.create({ name: 'team', description: 'us' });
      expect(role).toEqual({
        id: role.id,
        name: 'team',
        workspace: 'default',
        description: 'us',
        permissions: [],
      });
      expect(await store.roles.get(role.id)).toEqual(role);
      expect(await store.roles.getByName('default', 'team')).toEqual(role);
      expect(await store.roles.getByName('elsewhere', 'team')).toBeUndefined();
      const elsewhere = await store.roles.create({ name: 'team', workspace: 'elsewhere' });
      expect(await store.roles.list()).toEqual([role, elsewhere]);
      expect(await store.roles.list(['elsewhere'])).toEqual([elsewhere]);
      expect(await store.roles.list([])).toEqual([]);
    });

    test('has a name of its own within its workspace', async () => {
      const role = await store.roles.create({ name: 'team' });
      const other = await store.roles.create({ name: 'other' });
      await expect(store.roles.create({ name: 'team' })).rejects.toMatchObject({
        code: 'RESOURCE_ALREADY_EXISTS',
        message: 'Role (name=team, workspace=default) already exists.',
      });
      await expect(store.roles.update(other.id, { name: 'team' })).rejects.toMatchObject({
        code: 'RESOURCE_ALREADY_EXISTS',
        message: 'Role with name=team already exists in workspace=default',
      });
      expect(await store.roles.update(role.id, { name: 'team', description: 'same name' })).toMatchObject({
        name: 'team',
        description: 'same name',
      });
      expect(await store.roles.update(other.id, { name: 'others' })).toMatchObject({ name: 'others' });
      expect(await store.roles.update(99, { name: 'x' })).toBeUndefined();
    });

    test('leaves with its grants and memberships', async () => {
      const alice = await addUser(store, 'alice');
      const role = await store.roles.create({ name: 'team' });
      await store.roles.assign(alice.id, role.id);
      await store.roles.addPermission(role.id, 'experiment', '*', 'EDIT');
      expect(await store.roles.remove(role.id)).toBe(true);
      expect(await store.roles.remove(role.id)).toBe(false);
      expect(await store.account('alice')).toMatchObject({ grants: [] });
      expect(await store.roles.rolesOf(alice.id)).toEqual([]);
      expect(await store.grants.forResource('experiment', '*')).toEqual([]);
    });

    test('gives its grants by id', async () => {
      const role = await store.roles.create({ name: 'team' });
      const added = await store.roles.addPermission(role.id, 'experiment', '*', 'READ');
      if (added === undefined) {
        throw new Error('not added');
      }
      expect(added).toEqual({
        id: added.id,
        roleId: role.id,
        resourceType: 'experiment',
        resourcePattern: '*',
        permission: 'READ',
      });
      expect(await store.roles.addPermission(role.id, 'experiment', '*', 'EDIT')).toBeUndefined();
      expect((await store.roles.get(role.id))?.permissions).toEqual([added]);
      expect(await store.roles.getPermission(added.id)).toEqual(added);
      expect(await store.roles.updatePermission(added.id, 'EDIT')).toEqual({ ...added, permission: 'EDIT' });
      expect(await store.roles.removePermission(added.id)).toBe(true);
      expect(await store.roles.removePermission(added.id)).toBe(false);
      expect(await store.roles.updatePermission(added.id, 'READ')).toBeUndefined();
      await expect(store.roles.addPermission(99, 'experiment', '*', 'READ')).rejects.toMatchObject({
        message: 'Role with id=99 not found',
      });
    });

    test('cannot be used to reach a grant of a user by its id', async () => {
      const alice = await addUser(store, 'alice');
      await store.grants.create(alice.id, 'experiment', '1', 'READ');
      for (const id of [1, 2, 3]) {
        expect(await store.roles.getPermission(id)).toBeUndefined();
        expect(await store.roles.updatePermission(id, 'MANAGE')).toBeUndefined();
        expect(await store.roles.removePermission(id)).toBe(false);
      }
      expect(await store.grants.get(alice.id, 'experiment', '1')).toBe('READ');
    });
  });

  describe('members', () => {
    test('join once and leave once', async () => {
      const alice = await addUser(store, 'alice');
      const role = await store.roles.create({ name: 'team' });
      const member = await store.roles.assign(alice.id, role.id);
      expect(member).toMatchObject({ userId: alice.id, roleId: role.id, username: 'alice' });
      expect(await store.roles.assign(alice.id, role.id)).toBeUndefined();
      expect(await store.roles.members(role.id)).toEqual([member]);
      expect(await store.roles.rolesOf(alice.id)).toEqual([role]);
      expect(await store.roles.unassign(alice.id, role.id)).toBe(true);
      expect(await store.roles.unassign(alice.id, role.id)).toBe(false);
    });

    test('and roles must exist', async () => {
      const alice = await addUser(store, 'alice');
      const role = await store.roles.create({ name: 'team' });
      await expect(store.roles.assign(99, role.id)).rejects.toMatchObject({
        message: 'User with id=99 not found',
      });
      await expect(store.roles.assign(alice.id, 99)).rejects.toMatchObject({
        message: 'Role with id=99 not found',
      });
    });

    test('are listed for all users at once', async () => {
      const [alice, bob] = [await addUser(store, 'alice'), await addUser(store, 'bob')];
      await addUser(store, 'carol');
      const [a, b] = [await store.roles.create({ name: 'a' }), await store.roles.create({ name: 'b' })];
      await store.roles.assign(alice.id, b.id);
      await store.roles.assign(alice.id, a.id);
      await store.roles.assign(bob.id, b.id);
      expect(await store.roles.byUser()).toEqual(
        new Map([
          [alice.id, [a, b]],
          [bob.id, [b]],
        ]),
      );
    });
  });

  test('more roles than a statement takes parameters are listed with their grants', async () => {
    const names = Array.from({ length: 501 }, (_, number) => `role-${number}`);
    await store.atOnce(async ({ roles }) => {
      for (const name of names) {
        await roles.create({ name });
      }
    });
    const [first] = await store.roles.list();
    if (first === undefined) {
      throw new Error('no role');
    }
    await store.roles.addPermission(first.id, 'experiment', '*', 'READ');
    const roles = await store.roles.list();
    expect(roles).toHaveLength(501);
    expect(roles.map(({ permissions }) => permissions.length).filter((count) => count > 0)).toEqual([1]);
  }, 20_000);
});
