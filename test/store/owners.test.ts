import { describe, expect, test } from 'vitest';
import { ENGINES } from './engines.ts';
import { addUser } from './temporary.ts';

describe.each(ENGINES)('on $name', ({ open }) => {
  test('an owner is recorded and replaced', async () => {
    const store = await open();
    const alice = await addUser(store, 'alice');
    const bob = await addUser(store, 'bob');
    await store.owners.record('job', 'j', { userId: alice.id, experimentId: '1' });
    expect(await store.owners.get('job', 'j')).toEqual({ userId: alice.id, experimentId: '1' });
    expect(await store.owners.get('queue', 'j')).toBeUndefined();
    await store.owners.record('job', 'j', { userId: bob.id, experimentId: undefined });
    expect(await store.owners.get('job', 'j')).toEqual({ userId: bob.id, experimentId: undefined });
  });

  test('a user deleted meanwhile owns nothing, and an earlier owner does not stay', async () => {
    const store = await open();
    const alice = await addUser(store, 'alice');
    const bob = await addUser(store, 'bob');
    await store.owners.record('job', 'j', { userId: bob.id, experimentId: undefined });
    await store.users.remove(alice.id);
    await store.owners.record('job', 'j', { userId: alice.id, experimentId: undefined });
    expect(await store.owners.get('job', 'j')).toBeUndefined();
  });
});
