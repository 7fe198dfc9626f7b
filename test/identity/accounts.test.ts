import { describe, expect, test } from 'vitest';
import { type Account, type Accounts, createAccounts, indexGrants } from '../../src/identity/accounts.ts';
import type { Grant } from '../../src/policy/grant.ts';
import type { Store } from '../../src/store/index.ts';
import { addUser, open, temporaryUri } from '../store/temporary.ts';

/** The store, with a say in when its answers arrive. */
function slowly(store: Store) {
  const waiting: (() => void)[] = [];
  let loads = 0;
  return {
    changes: store.changes,
    async account(username: string) {
      loads += 1;
      const account = await store.account(username);
      await new Promise<void>((resolve) => waiting.push(resolve));
      return account;
    },
    loads: () => loads,
    /** Until so many answers have been read from the store and are on their way. */
    async underWay(count: number) {
      while (waiting.length < count) {
        await new Promise(setImmediate);
      }
    },
    arrive() {
      for (const resolve of waiting.splice(0)) {
        resolve();
      }
    },
  };
}

/** An account that must be remembered. */
function atOnce(accounts: Accounts, username: string): Account | undefined {
  const account = accounts.byName(username);
  if (account instanceof Promise) {
    throw new Error('not remembered');
  }
  return account;
}

async function isRemembered(accounts: Accounts, username: string): Promise<boolean> {
  const account = accounts.byName(username);
  await account;
  return !(account instanceof Promise);
}

describe('an account', () => {
  test('is loaded once and then there at once', async () => {
    const store = await open();
    const alice = await addUser(store, 'alice');
    const accounts = createAccounts(store);
    const loaded = accounts.byName('alice');
    expect(loaded).toBeInstanceOf(Promise);
    expect((await loaded)?.user).toEqual(alice);
    expect(atOnce(accounts, 'alice')).toBe(await loaded);
  });

  test('says who is calling and what they hold', async () => {
    const store = await open();
    const alice = await addUser(store, 'alice', true);
    await store.grants.create(alice.id, 'experiment', '1', 'EDIT');
    await store.grants.create(alice.id, 'registered_model', '*', 'READ');
    const principal = (await createAccounts(store).byName('alice'))?.principal;
    expect(principal).toMatchObject({ kind: 'user', id: alice.id, username: 'alice', isAdmin: true });
    expect(principal?.grantsOn({ kind: 'experiment', id: '1' })).toMatchObject([{ permission: 'EDIT' }]);
    expect(principal?.grantsOn({ kind: 'experiment', id: '2' })).toEqual([]);
    expect(principal?.grantsOfKind('registered_model')).toMatchObject([{ resourcePattern: '*' }]);
  });

  test('of nobody is looked for each time, so that a user is there as soon as created', async () => {
    const store = await open();
    const accounts = createAccounts(store);
    expect(await accounts.byName('alice')).toBeUndefined();
    await addUser(store, 'alice');
    expect(await accounts.byName('alice')).toBeDefined();
  });

  test('is asked for once by however many want it at the same time', async () => {
    const store = await open();
    await addUser(store, 'alice');
    const slow = slowly(store);
    const accounts = createAccounts(slow);
    const wanted = [accounts.byName('alice'), accounts.byName('alice'), accounts.byName('alice')];
    await slow.underWay(1);
    slow.arrive();
    const [first, ...others] = await Promise.all(wanted);
    expect(others).toEqual([first, first]);
    expect(slow.loads()).toBe(1);
  });

  test('makes room for others when there are too many', async () => {
    const store = await open();
    for (const name of ['a', 'b', 'c']) {
      await addUser(store, name);
    }
    const accounts = createAccounts(store, { max: 2 });
    for (const name of ['a', 'b', 'c']) {
      await accounts.byName(name);
    }
    expect(atOnce(accounts, 'c')?.user.username).toBe('c');
    expect(await isRemembered(accounts, 'a')).toBe(false);
  });

  test('that could not be loaded is asked for again', async () => {
    const store = await open();
    await addUser(store, 'alice');
    let failing = true;
    const accounts = createAccounts({
      changes: store.changes,
      account: (name) => (failing ? Promise.reject(new Error('no answer')) : store.account(name)),
    });
    await expect(accounts.byName('alice')).rejects.toThrow('no answer');
    failing = false;
    expect(await accounts.byName('alice')).toBeDefined();
  });

  test('is asked for again when the change feed failed as it arrived', async () => {
    const store = await open();
    await addUser(store, 'alice');
    let failing = false;
    const { next } = store.changes.follow();
    const feed = {
      next() {
        if (failing) {
          throw new Error('no answer');
        }
        return next();
      },
    };
    const slow = slowly(store);
    const accounts = createAccounts({ account: slow.account, changes: { follow: () => feed } });
    const first = accounts.byName('alice');
    await slow.underWay(1);
    failing = true;
    slow.arrive();
    await expect(first).rejects.toThrow('no answer');
    failing = false;
    const second = accounts.byName('alice');
    await slow.underWay(1);
    slow.arrive();
    expect(await second).toBeDefined();
  });

  test('is not given out while the store does not answer', async () => {
    const store = await open();
    await addUser(store, 'alice');
    const accounts = createAccounts(store);
    await accounts.byName('alice');
    await store.close();
    expect(() => accounts.byName('alice')).toThrow(expect.objectContaining({ status: 503 }));
  });
});

describe.each(['this process', 'another process'])(
  'a change made by %s counts on the next request',
  (who) => {
    type Setting = { readonly userId: number; readonly roleId: number; readonly permissionId: number };
    const changes: [
      string,
      (store: Store, ids: Setting) => Promise<unknown>,
      (account?: Account) => unknown,
      unknown,
    ][] = [
      ['a password', (s, i) => s.users.setPassword(i.userId, 'new'), (a) => a?.user.passwordHash, 'new'],
      ['the admin flag', (s, i) => s.users.setAdmin(i.userId, true), (a) => a?.principal.isAdmin, true],
      [
        'a grant',
        (s, i) => s.grants.update(i.userId, 'experiment', '1', 'DENY'),
        held('1'),
        ['DENY', 'READ'],
      ],
      ['a revocation', (s, i) => s.grants.delete(i.userId, 'experiment', '1'), held('1'), ['READ']],
      ['a role’s grant', (s, i) => s.roles.updatePermission(i.permissionId, 'USE'), held('2'), ['USE']],
      ['a lost role', (s, i) => s.roles.unassign(i.userId, i.roleId), held('2'), []],
      ['a deleted role', (s, i) => s.roles.remove(i.roleId), held('2'), []],
      ['a deletion', (s, i) => s.users.remove(i.userId), (a) => a, undefined],
      ['a rename', (s) => s.grants.rename({ kind: 'experiment', from: '1', to: '2' }), held('1'), ['READ']],
    ];

    function held(id: string) {
      return (account?: Account) =>
        account?.principal.grantsOn({ kind: 'experiment', id }).map(({ permission }) => permission);
    }

    test.each(changes)('%s', async (_what, change, look, expected) => {
      const uri = temporaryUri();
      const store = await open(uri);
      const other = who === 'this process' ? store : await open(uri);
      const { id: userId } = await addUser(store, 'alice');
      const { id: roleId } = await store.roles.create({ name: 'team' });
      await store.roles.assign(userId, roleId);
      await store.grants.create(userId, 'experiment', '1', 'EDIT');
      const permission = await store.roles.addPermission(roleId, 'experiment', '*', 'READ');
      await addUser(store, 'bob');
      const accounts = createAccounts(store);
      const bob = await accounts.byName('bob');
      expect(look(await accounts.byName('alice'))).not.toEqual(expected);

      await change(other, { userId, roleId, permissionId: permission?.id ?? 0 });
      expect(look(await accounts.byName('alice'))).toEqual(expected);
      expect((await accounts.byName('bob'))?.user).toEqual(bob?.user);
    });

    test('and leaves the others remembered', async () => {
      const uri = temporaryUri();
      const store = await open(uri);
      const other = who === 'this process' ? store : await open(uri);
      const alice = await addUser(store, 'alice');
      await addUser(store, 'bob');
      const accounts = createAccounts(store);
      await accounts.byName('alice');
      const bob = await accounts.byName('bob');
      await other.users.setPassword(alice.id, 'new');
      expect(await isRemembered(accounts, 'alice')).toBe(false);
      expect(atOnce(accounts, 'bob')).toBe(bob);
    });
  },
);

describe('requests that arrive in one turn of the event loop', () => {
  const turn = () => new Promise(setImmediate);

  /** A store that counts how often its feed is asked. */
  function counting(store: Store, next = store.changes.follow().next) {
    let asked = 0;
    const feed = {
      next() {
        asked += 1;
        return next();
      },
    };
    const account: Store['account'] = (name) => store.account(name);
    return { account, changes: { follow: () => feed }, asked: () => asked };
  }

  test('ask the store together, and each turn anew', async () => {
    const store = await open();
    await addUser(store, 'alice');
    await addUser(store, 'bob');
    const counted = counting(store);
    const accounts = createAccounts(counted);
    await accounts.byName('alice');
    await accounts.byName('bob');
    for (const expected of [1, 2]) {
      const before = counted.asked();
      for (const name of ['alice', 'bob', 'alice']) {
        expect(accounts.byName(name, true)).toMatchObject({ user: { username: name } });
      }
      expect(counted.asked() - before, `turn ${expected}`).toBe(1);
      await turn();
    }
  });

  test('see in the next turn what has changed since', async () => {
    const uri = temporaryUri();
    const store = await open(uri);
    const other = await open(uri);
    const alice = await addUser(store, 'alice');
    const accounts = createAccounts(store);
    await accounts.byName('alice', true);
    await other.users.setPassword(alice.id, 'new');
    await turn();
    expect((await accounts.byName('alice', true))?.user.passwordHash).toBe('new');
  });

  test('share nothing with those who ask when anything else was done in between', async () => {
    const store = await open();
    await addUser(store, 'alice');
    const counted = counting(store);
    const accounts = createAccounts(counted);
    await accounts.byName('alice');
    const before = counted.asked();
    for (let time = 0; time < 3; time += 1) {
      accounts.byName('alice', true);
      accounts.byName('alice', true);
      await undefined;
    }
    expect(counted.asked() - before).toBe(3);
  });

  test('share the answer that a database takes its time for', async () => {
    const store = await open();
    await addUser(store, 'alice');
    const { next } = store.changes.follow();
    const counted = counting(store, async () => {
      await turn();
      return next();
    });
    const accounts = createAccounts(counted);
    await accounts.byName('alice');
    await turn();
    const before = counted.asked();
    const answers = [accounts.byName('alice', true), accounts.byName('alice', true)];
    expect(counted.asked() - before).toBe(1);
    expect((await Promise.all(answers)).map((account) => account?.user.username)).toEqual(['alice', 'alice']);
  });

  test('leave nothing for whoever asks again: a change in the same turn counts', async () => {
    const store = await open();
    const alice = await addUser(store, 'alice');
    const accounts = createAccounts(store);
    await accounts.byName('alice', true);
    await store.users.setPassword(alice.id, 'new');
    expect((await accounts.byName('alice'))?.user.passwordHash).toBe('new');
  });

  test('are none of them let in while the store does not answer', async () => {
    const store = await open();
    await addUser(store, 'alice');
    const accounts = createAccounts(store);
    await accounts.byName('alice');
    await store.close();
    for (let time = 0; time < 3; time += 1) {
      expect(() => accounts.byName('alice', true)).toThrow(expect.objectContaining({ status: 503 }));
    }
  });
});

describe('an answer that was under way when something changed', () => {
  test('is not remembered', async () => {
    const store = await open();
    const alice = await addUser(store, 'alice', true);
    await addUser(store, 'root', true);
    const slow = slowly(store);
    const accounts = createAccounts(slow);
    const before = accounts.byName('alice');
    await slow.underWay(1);
    await store.users.setAdmin(alice.id, false);
    slow.arrive();
    expect((await before)?.user.isAdmin).toBe(true);

    const after = accounts.byName('alice');
    await slow.underWay(1);
    slow.arrive();
    expect((await after)?.user.isAdmin).toBe(false);
    expect(atOnce(accounts, 'alice')?.user.isAdmin).toBe(false);
  });

  test('is not shared with a user who asks after the change, nor does it replace their answer', async () => {
    const store = await open();
    const alice = await addUser(store, 'alice');
    const slow = slowly(store);
    const accounts = createAccounts(slow);
    const before = accounts.byName('alice');
    await slow.underWay(1);
    await store.users.setPassword(alice.id, 'new');
    const after = accounts.byName('alice');
    await slow.underWay(2);
    slow.arrive();
    expect((await before)?.user.passwordHash).toBe('hash of alice');
    expect((await after)?.user.passwordHash).toBe('new');
    expect(atOnce(accounts, 'alice')?.user.passwordHash).toBe('new');
  });
});

describe('grants by root', () => {
  const grant = (resourceType: string, resourcePattern: string, via: Grant['via'] = 'user'): Grant => ({
    resourceType,
    resourcePattern,
    permission: 'READ',
    via,
  });

  test('are those on exactly the root, then those on all of its kind', () => {
    const own = grant('experiment', '1');
    const role = grant('experiment', '1', { role: 'team' });
    const all = grant('experiment', '*', { role: 'team' });
    const index = indexGrants([all, grant('experiment', '10'), own, grant('registered_model', '1'), role]);
    expect(index.on({ kind: 'experiment', id: '1' })).toEqual([own, role, all]);
    expect(index.on({ kind: 'experiment', id: '2' })).toEqual([all]);
    expect(index.on({ kind: 'experiment', id: '*' })).toEqual([all]);
    expect(index.on({ kind: 'prompt', id: '1' })).toEqual([]);
  });

  test('do not stumble over names that objects know', () => {
    const index = indexGrants([grant('registered_model', '__proto__')]);
    expect(index.on({ kind: 'registered_model', id: '__proto__' })).toHaveLength(1);
    expect(index.on({ kind: 'registered_model', id: 'constructor' })).toEqual([]);
  });
});
