import { beforeEach, describe, expect, test } from 'vitest';
import type { ExperimentMade } from '../../src/store/experiments.ts';
import type { Store } from '../../src/store/index.ts';
import type { User } from '../../src/store/types.ts';
import { ENGINES } from './engines.ts';
import { addUser } from './temporary.ts';

describe.each(ENGINES)('on $name', ({ open, uri: newUri, run }) => {
  let store: Store;
  let alice: User;
  let bob: User;
  let uri: string;

  beforeEach(async () => {
    uri = await newUri();
    store = await open(uri);
    alice = await addUser(store, 'alice');
    bob = await addUser(store, 'bob');
  });

  /** Notes what MLflow has told just now. */
  async function note(found: readonly ExperimentMade[], more: { gone?: number[]; highest?: number } = {}) {
    const { now } = await store.experiments.known();
    const noted = await store.experiments.note({
      askedAt: now,
      found,
      gone: more.gone ?? [],
      highest: more.highest,
    });
    return noted.map(({ id }) => id);
  }

  async function holders(pattern: string, type = 'experiment'): Promise<string[]> {
    const grants = await store.grants.forResource(type, pattern);
    return grants.map(
      ({ holder, permission }) => `${holder.kind === 'user' ? holder.username : holder.name} ${permission}`,
    );
  }

  const FORMER = { id: 5, madeAt: 100 };
  const LATER = { id: 5, madeAt: 200 };

  describe('grants on an experiment', () => {
    test('that were there before it was seen are on it', async () => {
      await store.grants.create(alice.id, 'experiment', '5', 'MANAGE');
      expect(await note([FORMER])).toEqual([]);
      expect(await note([FORMER])).toEqual([]);
      expect(await holders('5')).toEqual(['alice MANAGE']);
      expect(await store.experiments.list()).toEqual([FORMER]);
    });

    test('are set aside when another has its id, with those on what lay in it, and come back with it', async () => {
      const role = await store.roles.create({ name: 'team' });
      await note([FORMER]);
      await store.grants.create(alice.id, 'experiment', '5', 'MANAGE');
      await store.grants.create(alice.id, 'experiment', '50', 'MANAGE');
      await store.grants.create(bob.id, 'scorer', '5/judge', 'READ');
      await store.grants.create(bob.id, 'registered_model', '5', 'READ');
      await store.roles.addPermission(role.id, 'experiment', '5', 'EDIT');
      await store.owners.record('job', 'j', { userId: alice.id, experimentId: '5' });
      expect(await note([LATER])).toEqual([5]);
      expect([await holders('5'), await holders('5/judge', 'scorer')]).toEqual([[], []]);
      expect([await holders('50'), await holders('5', 'registered_model')]).toEqual([
        ['alice MANAGE'],
        ['bob READ'],
      ]);
      expect(await store.owners.get('job', 'j')).toBeUndefined();
      await store.grants.create(bob.id, 'experiment', '5', 'READ');
      // MLflow's database is that of a backup again.
      expect(await note([FORMER])).toEqual([5]);
      expect((await holders('5')).toSorted()).toEqual(['alice MANAGE', 'team EDIT']);
      expect(await holders('5/judge', 'scorer')).toEqual(['bob READ']);
      expect(await note([LATER])).toEqual([5]);
      expect(await holders('5')).toEqual(['bob READ']);
    });

    test('are set aside when it is gone', async () => {
      await note([FORMER, { id: 6, madeAt: 101 }]);
      await store.grants.create(alice.id, 'experiment', '5', 'MANAGE');
      await store.grants.create(alice.id, 'experiment', '6', 'MANAGE');
      expect(await note([], { highest: 5 })).toEqual([6]);
      expect([await holders('5'), await holders('6')]).toEqual([['alice MANAGE'], []]);
      expect(await note([{ id: 6, madeAt: 300 }])).toEqual([]);
      expect(await holders('6')).toEqual([]);
    });

    test('that its creator has got are on the one that the gateway has seen made', async () => {
      await note([FORMER]);
      await store.grants.create(alice.id, 'experiment', '5', 'MANAGE');
      await store.grants.adopt({ kind: 'experiment', id: '5', userId: bob.id });
      expect((await store.experiments.known()).unsure).toEqual([5]);
      expect(await note([LATER])).toEqual([]);
      expect(await holders('5')).toEqual(['bob MANAGE']);
      expect(await store.experiments.known()).toMatchObject({ unsure: [], highest: 5 });
    });

    test('of a creator go with an experiment that was gone before MLflow told of it', async () => {
      await store.grants.adopt({ kind: 'experiment', id: '5', userId: bob.id });
      expect(await note([], { gone: [5] })).toEqual([5]);
      expect(await holders('5')).toEqual([]);
      // Nor do they come back with one of which MLflow does not know when it was made.
      await note([{ id: 5, madeAt: 0 }]);
      expect(await holders('5')).toEqual([]);
    });

    test('are announced when they go and when they come back', async () => {
      const feed = store.changes.follow();
      await note([FORMER]);
      await store.grants.create(alice.id, 'experiment', '5', 'MANAGE');
      await feed.next();
      await note([LATER]);
      expect(await feed.next()).toEqual([alice.id]);
      await note([FORMER]);
      expect(await feed.next()).toEqual([alice.id]);
    });

    test('that are set aside go with their holder', async () => {
      await note([FORMER]);
      await store.grants.create(alice.id, 'experiment', '5', 'MANAGE');
      await note([LATER]);
      await store.users.remove(alice.id);
      await note([FORMER]);
      expect(await holders('5')).toEqual([]);
    });
  });

  describe('an answer of MLflow’s', () => {
    test('that is older than what the gateway has seen made says nothing of it', async () => {
      await note([FORMER]);
      const { now } = await store.experiments.known();
      await store.grants.adopt({ kind: 'experiment', id: '5', userId: bob.id });
      const late = { askedAt: now, found: [FORMER], gone: [5], highest: 4 };
      expect(await store.experiments.note(late)).toEqual([]);
      expect(await holders('5')).toEqual(['bob MANAGE']);
      expect((await store.experiments.known()).unsure).toEqual([5]);
    });

    test('counts after the clock was put back', async () => {
      await note([FORMER]);
      await store.grants.create(alice.id, 'experiment', '5', 'MANAGE');
      await run(uri, 'update experiments set noted_at = noted_at + 1000000000');
      expect(await note([LATER])).toEqual([5]);
      expect(await holders('5')).toEqual([]);
    });
  });

  test('ids that no database counts up are not noted', async () => {
    await store.grants.adopt({ kind: 'experiment', id: '123456789012345678', userId: bob.id });
    await store.grants.adopt({ kind: 'experiment', id: 'odd', userId: bob.id });
    expect(await store.experiments.known()).toMatchObject({ unsure: [], highest: -1 });
  });
});
