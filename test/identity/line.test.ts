import { expect, test } from 'vitest';
import { createLine, type Rank } from '../../src/identity/line.ts';

/** Work that ends when told to; what has begun is listed. */
function workshop(places: number, maxWaiting: number) {
  const line = createLine(places, maxWaiting);
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const enter = (name: string, rank: Rank) =>
    line.run(rank, () => {
      begun.push(name);
      return new Promise<string>((resolve) => ends.set(name, () => resolve(name)));
    });
  return {
    begun,
    enter,
    async end(name: string) {
      ends.get(name)?.();
      await new Promise(setImmediate);
    },
  };
}

test('no more is worked on at once than there are places', async () => {
  const { begun, enter, end } = workshop(2, 10);
  const first = enter('a', []);
  for (const name of ['b', 'c']) {
    enter(name, []);
  }
  expect(begun).toEqual(['a', 'b']);
  await end('a');
  expect(await first).toBe('a');
  expect(begun).toEqual(['a', 'b', 'c']);
});

test('the lowest rank is next, and of the same the one that came first', async () => {
  const { begun, enter, end } = workshop(1, 10);
  enter('at work', [9]);
  for (const [name, rank] of [
    ['c', [2, 0]],
    ['d', [2, 1]],
    ['b', [0, 5]],
    ['a', []],
    ['e', [2, 1]],
  ] as const) {
    enter(name, rank);
  }
  for (const name of ['at work', 'a', 'b', 'c', 'd']) {
    await end(name);
  }
  expect(begun).toEqual(['at work', 'a', 'b', 'c', 'd', 'e']);
});

test('one too many makes the last in line go, not the one that came last', async () => {
  const { begun, enter, end } = workshop(1, 2);
  enter('at work', []);
  enter('b', [1]);
  const refused = enter('c', [2]);
  enter('a', [0]);
  await expect(refused).rejects.toMatchObject({ code: 'TEMPORARILY_UNAVAILABLE' });
  for (const name of ['at work', 'a', 'b']) {
    await end(name);
  }
  expect(begun).toEqual(['at work', 'a', 'b']);
});

test('work that fails gives its place up', async () => {
  const line = createLine(1, 1);
  const failing = line.run([], async () => {
    throw new Error('on purpose');
  });
  await expect(failing).rejects.toThrow('on purpose');
  expect(await line.run([], async () => 'next')).toBe('next');
});
