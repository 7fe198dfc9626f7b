import { describe, expect, test } from 'vitest';
import { createAccounts } from '../../src/identity/accounts.ts';
import { openStore } from '../../src/store/index.ts';
import { ENGINES } from './engines.ts';
import { addUser } from './temporary.ts';

const clock = () => 0;

describe.each(ENGINES)('on $name', ({ open, uri, run, tables }) => {
  describe('opening', () => {
    test('finds again what was written before', async () => {
      const place = await uri();
      const before = await open(place);
      const alice = await addUser(before, 'alice');
      await before.close();
      expect(await (await open(place)).users.get('alice')).toEqual(alice);
    });

    test('finds one key for page tokens, its own and the same for every process', async () => {
      const place = await uri();
      const [one, other, foreign] = [await open(place), await open(place), await open()];
      const key = await one.pageTokenKey();
      expect(key).toHaveLength(32);
      expect(await other.pageTokenKey()).toEqual(key);
      expect(await foreign.pageTokenKey()).not.toEqual(key);
    });

    test('twice at the same time makes one schema, with one key', async () => {
      const place = await uri();
      const stores = await Promise.all([open(place), open(place)]);
      await addUser(stores[0], 'alice');
      expect(await stores[1].users.get('alice')).toBeDefined();
      expect(await stores[1].pageTokenKey()).toEqual(await stores[0].pageTokenKey());
    });

    test("refuses MLflow's own database and leaves it as it was", async () => {
      const place = await uri();
      await run(
        place,
        'create table users (id integer); create table alembic_version_auth (version_num text)',
      );
      await expect(openStore(place, { clock })).rejects.toThrow(/is MLflow's/);
      expect(await tables(place)).toEqual(['alembic_version_auth', 'users']);
    });

    test("refuses another program's database", async () => {
      const place = await uri();
      await run(place, 'create table notes (text text)');
      await expect(openStore(place, { clock })).rejects.toThrow(/another program's/);
      expect(await tables(place)).toEqual(['notes']);
    });

    test('refuses a store that a newer version has used', async () => {
      const place = await uri();
      await (await open(place)).close();
      await run(place, "insert into kysely_migration values ('9999-future', '2099-01-01T00:00:00Z')");
      await expect(openStore(place, { clock })).rejects.toThrow(/newer version/);
    });
  });

  describe('many things done at once', () => {
    test('are seen by others, and announced, all together', async () => {
      const place = await uri();
      const [store, other] = [await open(place), await open(place)];
      const follower = other.changes.follow();
      expect(await follower.next()).toBe('nothing');
      const ids = await store.atOnce(async ({ users, grants, roles }) => {
        const alice = await users.create({ username: 'alice', passwordHash: 'x', isAdmin: false });
        const role = await roles.create({ name: 'r' });
        await roles.addPermission(role.id, 'experiment', '*', 'READ');
        await roles.assign(alice.id, role.id);
        await grants.create(alice.id, 'experiment', '1', 'DENY');
        // Its own work it sees already.
        expect(await users.get('alice')).toEqual(alice);
        expect(await grants.get(alice.id, 'experiment', '1')).toBe('DENY');
        expect(await other.users.get('alice')).toBeUndefined();
        expect(await follower.next()).toBe('nothing');
        return { alice: alice.id };
      });
      expect((await other.account('alice'))?.grants).toHaveLength(2);
      expect(ids.alice).toBe((await other.users.get('alice'))?.id);
      expect(await follower.next()).toBe('everybody');
    });

    test('are none when one of them fails', async () => {
      const place = await uri();
      const [store, other] = [await open(place), await open(place)];
      const follower = other.changes.follow();
      expect(await follower.next()).toBe('nothing');
      const work = store.atOnce(async ({ users, grants }) => {
        const { id } = await users.create({ username: 'alice', passwordHash: 'x', isAdmin: false });
        await grants.create(id + 1, 'experiment', '1', 'READ');
      });
      await expect(work).rejects.toMatchObject({ code: 'RESOURCE_DOES_NOT_EXIST' });
      expect(await other.users.list()).toEqual([]);
      expect(await follower.next()).toBe('nothing');
      await addUser(store, 'alice');
    });
  });

  describe('a store that cannot answer is a 503', () => {
    test('after closing, for queries and for the change feed', async () => {
      const store = await open();
      const follower = store.changes.follow();
      expect(await follower.next()).toBe('nothing');
      await store.close();
      await expect(store.users.get('alice')).rejects.toThrow();
      await expect(async () => follower.next()).rejects.toMatchObject({ status: 503 });
    });

    test('when the schema has gone', async () => {
      const place = await uri();
      const store = await open(place);
      await run(place, 'drop table grants');
      await expect(store.account('alice')).rejects.toMatchObject({ status: 503 });
      await expect(store.ping()).resolves.toBeUndefined();
    });

    test('and closing twice does nothing', async () => {
      const store = await open();
      await store.close();
      await expect(store.close()).resolves.toBeUndefined();
    });
  });

  test('transactions of one process that overlap wait for one another', async () => {
    const store = await open();
    const names = Array.from({ length: 20 }, (_, number) => `user-${number}`);
    await Promise.all(names.map((name) => addUser(store, name)));
    expect((await store.users.list()).map(({ username }) => username).toSorted()).toEqual(names.toSorted());
  });

  test('a change of rights answered by one gateway counts on the next request in the other, a hundred times', async () => {
    const place = await uri();
    const [one, other] = [await open(place), await open(place)];
    const alice = await addUser(one, 'alice');
    await one.grants.create(alice.id, 'experiment', '1', 'EDIT');
    const accounts = createAccounts(other);
    let stale = 0;
    for (let round = 0; round < 100; round += 1) {
      const permission = round % 2 === 0 ? 'READ' : 'EDIT';
      await one.grants.update(alice.id, 'experiment', '1', permission);
      const account = await accounts.byName('alice');
      stale += account?.grants[0]?.permission === permission ? 0 : 1;
    }
    expect(stale).toBe(0);
  });
});
