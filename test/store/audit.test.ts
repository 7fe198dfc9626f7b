import { beforeEach, describe, expect, test } from 'vitest';
import type { Store } from '../../src/store/index.ts';
import { entry } from './audit-entry.ts';
import { ENGINES } from './engines.ts';

const DAY = 86_400_000;
describe.each(ENGINES)('on $name', ({ open }) => {
  let store: Store;
  beforeEach(async () => {
    store = await open();
  });

  test('what is added is found as it was, newest first', async () => {
    const first = entry(DAY, { change: { before: null, after: { permission: 'READ' } } });
    const second = entry(DAY, { credential: null, username: null, resources: [], status: null });
    await store.audit.add([first, second]);
    expect(await store.audit.search({}, 10)).toEqual([second, first]);
  });

  test('text of any kind survives', async () => {
    const odd = entry(DAY, {
      because: `'"\\\u2028 ü 🙂 {"a":1}`,
      resources: [{ type: 'prompt', id: "a'b/ü" }],
    });
    await store.audit.add([odd]);
    expect(await store.audit.search({}, 10)).toEqual([odd]);
  });

  test('a NUL, which not every database takes, is shown as what cannot be shown', async () => {
    await store.audit.add([entry(DAY, { because: 'a\u0000b' })]);
    expect((await store.audit.search({}, 1))[0]?.because).toBe('a\ufffdb');
  });

  describe('a search', () => {
    const entries = {
      alice: entry(1 * DAY),
      refused: entry(2 * DAY, { allowed: false, because: 'no grant' }),
      bob: entry(3 * DAY, {
        username: 'bob',
        action: 'create',
        resources: [{ type: 'experiment', id: '8' }],
      }),
      model: entry(4 * DAY, {
        requestId: 'r-1',
        resources: [
          { type: 'registered_model', id: '7' },
          { type: 'experiment', id: '9' },
        ],
      }),
    };

    test.each([
      ['everything', {}, ['model', 'bob', 'refused', 'alice']],
      ['one user', { username: 'alice' }, ['model', 'refused', 'alice']],
      ['refusals', { allowed: false }, ['refused']],
      ['one action', { action: 'create' }, ['bob']],
      ['one resource', { resourceType: 'experiment', resourceId: '7' }, ['refused', 'alice']],
      ['one type of resource', { resourceType: 'registered_model' }, ['model']],
      ['one request', { requestId: 'r-1' }, ['model']],
      ['a time, both ends included', { since: 2 * DAY, until: 3 * DAY }, ['bob', 'refused']],
      ['nothing', { username: 'carol' }, []],
      ['several at once', { username: 'alice', allowed: true, since: 2 * DAY }, ['model']],
    ] as const)('for %s', async (_, filter, expected) => {
      await store.audit.add(Object.values(entries));
      const found = await store.audit.search(filter, 10);
      expect(found.map(({ id }) => id)).toEqual(expected.map((name) => entries[name].id));
    });

    test('for a type or an id finds an entry once that has several of it', async () => {
      const both = entry(DAY, {
        resources: [
          { type: 'registered_model', id: 'churn' },
          { type: 'prompt', id: 'churn' },
          { type: 'prompt', id: 'other' },
        ],
      });
      await store.audit.add([both]);
      expect(await store.audit.search({ resourceType: 'prompt' }, 10)).toEqual([both]);
      expect(await store.audit.search({ resourceId: 'churn' }, 10)).toEqual([both]);
      expect(await store.audit.search({ resourceType: 'prompt', resourceId: 'churn' }, 10)).toEqual([both]);
      expect(await store.audit.search({ resourceType: 'model', resourceId: 'churn' }, 10)).toEqual([]);
    });

    test('goes on where a page ended, with new entries meanwhile', async () => {
      await store.audit.add([entry(DAY), entry(DAY), entry(DAY)]);
      const page = await store.audit.search({}, 2);
      await store.audit.add([entry(2 * DAY)]);
      const rest = await store.audit.search({}, 2, page.at(-1)?.id);
      expect(rest).toHaveLength(1);
      expect(page.map(({ id }) => id)).not.toContain(rest[0]?.id);
    });
  });

  test('old entries go in small steps, with what they are about', async () => {
    await store.audit.add([entry(DAY), entry(2 * DAY), entry(3 * DAY)]);
    expect(await store.audit.prune(3 * DAY, 1)).toBe(1);
    expect(await store.audit.prune(3 * DAY, 10)).toBe(1);
    expect(await store.audit.prune(3 * DAY, 10)).toBe(0);
    expect(await store.audit.search({ resourceType: 'experiment' }, 10)).toHaveLength(1);
  });

  test('an entry and the change that it tells are kept together, or neither', async () => {
    const failing = store.atOnce(async ({ audit, roles }) => {
      await roles.create({ name: 'staff' });
      await audit.add([entry(DAY)]);
      throw new Error('broken off');
    });
    await expect(failing).rejects.toThrow('broken off');
    expect(await store.audit.search({}, 10)).toEqual([]);
    expect(await store.roles.list()).toEqual([]);
  });
});
