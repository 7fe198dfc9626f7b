import { beforeEach, describe, expect, test } from 'vitest';
import type { Store } from '../../src/store/index.ts';
import type { User } from '../../src/store/types.ts';
import { ENGINES } from './engines.ts';
import { addUser } from './temporary.ts';

describe.each(ENGINES)('on $name', ({ open }) => {
  let store: Store;
  let alice: User;
  let bob: User;

  beforeEach(async () => {
    store = await open();
    alice = await addUser(store, 'alice');
    bob = await addUser(store, 'bob');
  });

  /** Who holds what on a resource, in one line each. */
  async function holders(type: string, pattern: string): Promise<string[]> {
    const grants = await store.grants.forResource(type, pattern);
    return grants.map(
      ({ holder, permission }) => `${holder.kind === 'user' ? holder.username : holder.name} ${permission}`,
    );
  }

  const openCreate = (name: string) =>
    store.intents.open({ action: 'create', kind: 'registered_model', name }, alice.id);

  describe('one grant', () => {
    test('is created once, read, changed and deleted', async () => {
      const { grants } = store;
      expect(await grants.create(alice.id, 'experiment', '1', 'READ')).toBe(true);
      expect(await grants.create(alice.id, 'experiment', '1', 'MANAGE')).toBe(false);
      expect(await grants.get(alice.id, 'experiment', '1')).toBe('READ');
      expect(await grants.update(alice.id, 'experiment', '1', 'EDIT')).toBe(true);
      expect(await grants.get(alice.id, 'experiment', '1')).toBe('EDIT');
      expect(await grants.forUser(alice.id)).toEqual([
        {
          id: expect.any(Number),
          resourceType: 'experiment',
          resourcePattern: '1',
          permission: 'EDIT',
          via: 'user',
        },
      ]);
      expect(await grants.delete(alice.id, 'experiment', '1')).toBe(true);
      expect(await grants.get(alice.id, 'experiment', '1')).toBeUndefined();
    });

    test('that is not there is neither changed nor deleted', async () => {
      await store.grants.create(bob.id, 'experiment', '1', 'READ');
      expect(await store.grants.update(alice.id, 'experiment', '1', 'EDIT')).toBe(false);
      expect(await store.grants.delete(alice.id, 'experiment', '1')).toBe(false);
      expect(await holders('experiment', '1')).toEqual(['bob READ']);
    });

    test('cannot be given to a user that does not exist', async () => {
      await expect(store.grants.create(99, 'experiment', '1', 'READ')).rejects.toMatchObject({
        code: 'RESOURCE_DOES_NOT_EXIST',
      });
    });

    test('is seen from its resource, with those of roles', async () => {
      const role = await store.roles.create({ name: 'team' });
      await store.grants.create(alice.id, 'experiment', '1', 'READ');
      await store.roles.addPermission(role.id, 'experiment', '1', 'USE');
      await store.grants.create(bob.id, 'experiment', '*', 'MANAGE');
      const createdAt = expect.any(Number);
      expect(await store.grants.forResource('experiment', '1')).toEqual([
        { holder: { kind: 'user', id: alice.id, username: 'alice' }, permission: 'READ', createdAt },
        { holder: { kind: 'role', id: role.id, name: 'team' }, permission: 'USE', createdAt },
      ]);
      const own = { id: expect.any(Number), resourceType: 'experiment', resourcePattern: '1', via: 'user' };
      expect(await store.grants.forUsers()).toEqual(
        new Map([
          [alice.id, [{ ...own, permission: 'READ' }]],
          [bob.id, [{ ...own, resourcePattern: '*', permission: 'MANAGE' }]],
        ]),
      );
    });
  });

  describe('adopting', () => {
    test('leaves the creator with MANAGE, and users who held something on an earlier one with nothing', async () => {
      const role = await store.roles.create({ name: 'team' });
      await store.roles.addPermission(role.id, 'prompt', 'm', 'EDIT');
      await store.grants.create(bob.id, 'registered_model', 'm', 'MANAGE');
      await store.grants.create(bob.id, 'prompt', 'm', 'MANAGE');
      await store.grants.create(bob.id, 'registered_model', 'other', 'READ');
      await store.grants.create(alice.id, 'registered_model', 'm', 'NO_PERMISSIONS');
      const intent = await openCreate('m');
      await store.grants.adopt({ kind: 'registered_model', id: 'm', userId: alice.id, intentId: intent.id });
      expect(await holders('registered_model', 'm')).toEqual(['alice MANAGE']);
      expect(await holders('prompt', 'm')).toEqual([]);
      expect(await holders('registered_model', 'other')).toEqual(['bob READ']);
      expect(await store.intents.list()).toEqual([]);
    });

    test('does not mix name spaces', async () => {
      await store.grants.create(bob.id, 'experiment', 'm', 'READ');
      await store.grants.adopt({ kind: 'registered_model', id: 'm', userId: alice.id });
      expect(await holders('experiment', 'm')).toEqual(['bob READ']);
    });

    test('for a creator deleted meanwhile purges all the same', async () => {
      await store.grants.create(bob.id, 'experiment', '7', 'MANAGE');
      const intent = await openCreate('7');
      await store.users.remove(alice.id);
      await store.grants.adopt({ kind: 'experiment', id: '7', userId: alice.id, intentId: intent.id });
      expect(await holders('experiment', '7')).toEqual([]);
      expect(await store.intents.list()).toEqual([]);
    });
  });

  describe('renaming', () => {
    test('drops what was held on the new name and moves what was held on the old, for models and prompts alike', async () => {
      await store.grants.create(alice.id, 'registered_model', 'old', 'MANAGE');
      await store.grants.create(bob.id, 'prompt', 'old', 'READ');
      await store.grants.create(bob.id, 'registered_model', 'new', 'MANAGE');
      const { id: intentId } = await store.intents.open(
        { action: 'rename', kind: 'prompt', name: 'old', newName: 'new' },
        alice.id,
      );
      await store.grants.rename({ kind: 'prompt', from: 'old', to: 'new', intentId });
      expect(await holders('registered_model', 'new')).toEqual(['alice MANAGE']);
      expect(await holders('prompt', 'new')).toEqual(['bob READ']);
      expect(await holders('registered_model', 'old')).toEqual([]);
      expect(await holders('prompt', 'old')).toEqual([]);
      expect(await store.intents.list()).toEqual([]);
    });

    test('to the same name changes nothing', async () => {
      await store.grants.create(alice.id, 'registered_model', 'm', 'MANAGE');
      await store.grants.rename({ kind: 'registered_model', from: 'm', to: 'm' });
      expect(await holders('registered_model', 'm')).toEqual(['alice MANAGE']);
    });

    test('outlives an older deletion of the new name that is settled late', async () => {
      await store.grants.create(alice.id, 'registered_model', 'old', 'MANAGE');
      const deletion = await store.intents.open(
        { action: 'delete', kind: 'registered_model', name: 'new' },
        alice.id,
      );
      await store.grants.rename({ kind: 'registered_model', from: 'old', to: 'new' });
      await store.grants.forget({
        kind: 'registered_model',
        id: 'new',
        before: deletion.createdAt,
        intentId: deletion.id,
      });
      expect(await holders('registered_model', 'new')).toEqual(['alice MANAGE']);
    });
  });

  describe('renaming while the names go on', () => {
    const begin = () =>
      store.intents.open(
        { action: 'rename', kind: 'registered_model', name: 'old', newName: 'new' },
        alice.id,
      );

    test('leaves what was granted since on the old name to what has it now', async () => {
      await store.grants.create(alice.id, 'registered_model', 'old', 'MANAGE');
      const { id: intentId, createdAt: since } = await begin();
      await store.grants.create(bob.id, 'registered_model', 'old', 'MANAGE');
      await store.grants.rename({ kind: 'registered_model', from: 'old', to: 'new', since, intentId });
      expect(await holders('registered_model', 'new')).toEqual(['alice MANAGE']);
      expect(await holders('registered_model', 'old')).toEqual(['bob MANAGE']);
    });

    test('does nothing to a name that was granted on since, unless it is known to be the same thing', async () => {
      await store.grants.create(alice.id, 'registered_model', 'old', 'MANAGE');
      await store.grants.create(bob.id, 'registered_model', 'old', 'READ');
      const { id: intentId, createdAt: since } = await begin();
      await store.grants.create(bob.id, 'registered_model', 'new', 'EDIT');
      const renaming = { kind: 'registered_model', from: 'old', to: 'new', since, intentId } as const;
      expect(await store.grants.rename(renaming)).toBe(false);
      expect(await holders('registered_model', 'new')).toEqual(['bob EDIT']);
      expect(await holders('registered_model', 'old')).toEqual(['alice MANAGE', 'bob READ']);
      expect(await store.intents.list()).toHaveLength(1);
      expect(await store.grants.rename({ ...renaming, proven: true })).toBe(true);
      // What was granted since counts.
      expect((await holders('registered_model', 'new')).toSorted()).toEqual(['alice MANAGE', 'bob EDIT']);
      expect(await holders('registered_model', 'old')).toEqual([]);
      expect(await store.intents.list()).toEqual([]);
    });
  });

  describe('adopting an experiment', () => {
    test('takes what was granted on the scorers of an earlier one of its id, and who started what in that', async () => {
      await store.grants.create(bob.id, 'scorer', '7/judge', 'MANAGE');
      await store.grants.create(bob.id, 'scorer', '70/judge', 'MANAGE');
      await store.owners.record('job', 'j', { userId: bob.id, experimentId: '7' });
      await store.owners.record('job', 'k', { userId: bob.id, experimentId: '70' });
      await store.grants.adopt({ kind: 'experiment', id: '7', userId: alice.id });
      expect(await holders('scorer', '7/judge')).toEqual([]);
      expect(await holders('scorer', '70/judge')).toEqual(['bob MANAGE']);
      expect(await store.owners.get('job', 'j')).toBeUndefined();
      expect(await store.owners.get('job', 'k')).toBeDefined();
    });
  });

  describe('forgetting', () => {
    test('takes every grant on a name, models’ and prompts’, of users and roles', async () => {
      const role = await store.roles.create({ name: 'team' });
      await store.roles.addPermission(role.id, 'registered_model', 'm', 'EDIT');
      await store.grants.create(alice.id, 'registered_model', 'm', 'MANAGE');
      await store.grants.create(bob.id, 'prompt', 'm', 'READ');
      await store.grants.create(bob.id, 'registered_model', '*', 'READ');
      await store.grants.forget({ kind: 'registered_model', id: 'm' });
      expect(await holders('registered_model', 'm')).toEqual([]);
      expect(await holders('prompt', 'm')).toEqual([]);
      expect(await holders('registered_model', '*')).toEqual(['bob READ']);
    });

    test('keeps what was granted after the deletion began', async () => {
      await store.grants.create(alice.id, 'registered_model', 'm', 'MANAGE');
      const { id: intentId, createdAt: before } = await store.intents.open(
        { action: 'delete', kind: 'registered_model', name: 'm' },
        alice.id,
      );
      await store.grants.create(bob.id, 'registered_model', 'm', 'READ');
      await store.grants.forget({ kind: 'registered_model', id: 'm', before, intentId });
      expect(await holders('registered_model', 'm')).toEqual(['bob READ']);
      expect(await store.intents.list()).toEqual([]);
    });
  });

  test('a change whose intent another process has settled is not made again', async () => {
    const intent = await openCreate('m');
    const settled = { kind: 'registered_model', intentId: intent.id } as const;
    await store.grants.adopt({ ...settled, id: 'm', userId: alice.id });
    await store.grants.create(bob.id, 'registered_model', 'm', 'READ');
    await store.grants.create(bob.id, 'registered_model', 'other', 'READ');
    await store.grants.adopt({ ...settled, id: 'm', userId: alice.id });
    await store.grants.forget({ ...settled, id: 'm' });
    await store.grants.rename({ ...settled, from: 'm', to: 'other' });
    expect(await holders('registered_model', 'm')).toEqual(['alice MANAGE', 'bob READ']);
    expect(await holders('registered_model', 'other')).toEqual(['bob READ']);
  });

  describe('something named * does not stand for all of its kind', () => {
    beforeEach(async () => {
      await store.grants.create(bob.id, 'registered_model', '*', 'READ');
      await store.grants.create(alice.id, 'registered_model', 'mine', 'MANAGE');
    });

    test('when it is created', async () => {
      const intent = await openCreate('*');
      await store.grants.adopt({ kind: 'registered_model', id: '*', userId: alice.id, intentId: intent.id });
      expect(await holders('registered_model', '*')).toEqual(['bob READ']);
      expect(await store.intents.list()).toEqual([]);
    });

    test('when something takes its name', async () => {
      await store.grants.rename({ kind: 'registered_model', from: 'mine', to: '*' });
      expect(await holders('registered_model', '*')).toEqual(['bob READ']);
      expect(await holders('registered_model', 'mine')).toEqual([]);
    });

    test('when it takes another name', async () => {
      await store.grants.rename({ kind: 'registered_model', from: '*', to: 'mine' });
      expect(await holders('registered_model', '*')).toEqual(['bob READ']);
      expect(await holders('registered_model', 'mine')).toEqual([]);
    });

    test('when it is deleted', async () => {
      await store.grants.forget({ kind: 'registered_model', id: '*' });
      expect(await holders('registered_model', '*')).toEqual(['bob READ']);
    });
  });
});
