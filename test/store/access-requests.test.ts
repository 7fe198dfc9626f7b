import { describe, expect, test } from 'vitest';
import { copyRows } from '../../src/store/copy.ts';
import type { Store } from '../../src/store/index.ts';
import { ENGINES } from './engines.ts';
import { addUser } from './temporary.ts';

const LIMITS = { most: 3, keepMs: 1e12 };
const PAGE = { after: undefined, limit: 10, keepMs: 1e12 };

describe.each(ENGINES)('on $name', ({ open, uri }) => {
  const ask = (store: Store, userId: number, id: string, type = 'experiment') =>
    store.accessRequests.create({ userId, type, id, permission: 'READ', message: 'ü' }, LIMITS);
  const openIds = async (store: Store, only?: Parameters<Store['accessRequests']['open']>[1]) =>
    (await store.accessRequests.open(PAGE, only)).map(({ id }) => id);

  test('a request is found by its id, by its thing and by its user, a page at a time', async () => {
    const store = await open();
    const [alice, bob] = [await addUser(store, 'alice'), await addUser(store, 'bob')];
    const [one, two] = [await ask(store, alice.id, '7'), await ask(store, bob.id, 'm', 'registered_model')];
    const three = await ask(store, alice.id, '8');
    expect(one).toEqual({
      ...{ id: one.id, userId: alice.id, username: 'alice', workspace: 'default', type: 'experiment' },
      ...{ askedFor: '7', resourceId: '7', permission: 'READ', message: 'ü', state: 'open' },
      ...{ createdAt: expect.any(Number), granted: undefined, answer: undefined },
      ...{ answeredAt: undefined, answeredBy: undefined },
    });
    expect(await store.accessRequests.get(one.id, 1e12)).toEqual(one);
    expect(await openIds(store)).toEqual([one.id, two.id, three.id]);
    expect(
      await openIds(store, [
        { type: 'registered_model', id: 'm' },
        { type: 'experiment', id: '8' },
      ]),
    ).toEqual([two.id, three.id]);
    expect(await openIds(store, [{ type: 'experiment', id: 'm' }])).toEqual([]);
    const next = await store.accessRequests.open({ ...PAGE, after: one.id, limit: 1 });
    expect(next.map(({ id }) => id)).toEqual([two.id]);
    const own = await store.accessRequests.ofUser(alice.id, PAGE);
    expect(own.map(({ id }) => id)).toEqual([three.id, one.id]);
    expect(await store.accessRequests.ofUser(alice.id, { ...PAGE, after: three.id })).toEqual([one]);
  });

  test('it is answered once, by whoever comes first', async () => {
    const store = await open();
    const { id } = await ask(store, (await addUser(store, 'alice')).id, '7');
    const answers = ['one', 'two', 'three'].map((by) =>
      store.accessRequests.answer(id, { state: 'granted', resourceId: '7', granted: 'EDIT', answer: by, by }),
    );
    expect((await Promise.all(answers)).filter((isDone) => isDone)).toEqual([true]);
    expect(await openIds(store)).toEqual([]);
    const answered = await store.accessRequests.get(id, 1e12);
    expect(answered).toMatchObject({ state: 'granted', granted: 'EDIT', answeredAt: expect.any(Number) });
    expect(answered?.answer).toBe(answered?.answeredBy);
    expect(await store.accessRequests.withdraw(id, answered?.userId ?? 0)).toBe(false);
  });

  test('it follows a rename, is lost with a delete, and is not what the next thing of the name is asked for', async () => {
    const store = await open();
    const alice = await addUser(store, 'alice');
    const { id } = await ask(store, alice.id, 'old', 'registered_model');
    const held = async () => (await store.accessRequests.get(id, 1e12))?.resourceId;
    await store.grants.rename({ kind: 'prompt', from: 'old', to: 'new' });
    expect(await held()).toBe('new');
    const answering = { state: 'declined', resourceId: 'old', by: 'bob' } as const;
    expect(await store.accessRequests.answer(id, answering)).toBe(false);
    await store.within('elsewhere').grants.forget({ kind: 'registered_model', id: 'new' });
    await store.grants.forget({ kind: 'registered_model', id: 'new', before: 1 });
    expect(await held()).toBe('new');
    await store.grants.forget({ kind: 'registered_model', id: 'new' });
    expect(await held()).toBeUndefined();
    expect(await openIds(store)).toEqual([]);
    expect(await store.accessRequests.ofUser(alice.id, PAGE)).toMatchObject([
      { askedFor: 'old', state: 'open' },
    ]);
  });

  test('an experiment whose id another has was asked for, the other was not', async () => {
    const store = await open();
    const alice = await addUser(store, 'alice');
    await store.experiments.note({ askedAt: 0, found: [{ id: 7, madeAt: 1 }], gone: [], highest: 7 });
    const { id } = await ask(store, alice.id, '7');
    const askedAt = await store.now();
    await store.experiments.note({ askedAt, found: [{ id: 7, madeAt: 2 }], gone: [], highest: 7 });
    expect((await store.accessRequests.get(id, 1e12))?.resourceId).toBeUndefined();
  });

  test('those of a workspace are its own, and go with it; a user’s go with the user', async () => {
    const store = await open();
    const [alice, bob] = [await addUser(store, 'alice'), await addUser(store, 'bob')];
    const there = store.within('team-a');
    const { id } = await ask(there, alice.id, '7');
    await ask(store, alice.id, '7');
    await ask(store, bob.id, '7');
    expect(await openIds(there)).toEqual([id]);
    expect(await store.accessRequests.get(id, 1e12)).toBeUndefined();
    expect(await openIds(store)).toHaveLength(2);
    expect(await store.accessRequests.ofUser(alice.id, PAGE)).toHaveLength(2);
    await store.roles.removeOf('team-a');
    expect(await openIds(there)).toEqual([]);
    await store.users.remove(alice.id);
    expect(await openIds(store)).toHaveLength(1);
  });

  test('a user has so many open at once, each for another thing, and none for ever', async () => {
    const store = await open();
    const { id: userId } = await addUser(store, 'alice');
    const again = Promise.allSettled(['7', '7', '7', '7'].map((id) => ask(store, userId, id)));
    expect((await again).filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await ask(store, userId, '8');
    const last = await ask(store, userId, '9');
    await expect(ask(store, userId, '10')).rejects.toMatchObject({ code: 'RESOURCE_EXHAUSTED' });
    await store.accessRequests.withdraw(last.id, userId);
    await ask(store, userId, '10');
    expect(await store.accessRequests.open({ ...PAGE, keepMs: -1 })).toEqual([]);
    await store.accessRequests.prune(-1e6);
    expect(await openIds(store)).toEqual([]);
  });

  test('they are copied', async () => {
    const [here, there] = [await uri(), await uri()];
    const source = await open(here);
    const request = await ask(source, (await addUser(source, 'alice')).id, '7');
    await copyRows(here, there, { clock: Date.now });
    expect(await (await open(there)).accessRequests.get(request.id, 1e15)).toEqual(request);
  });
});
