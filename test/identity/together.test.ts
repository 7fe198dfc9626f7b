import { expect, test, vi } from 'vitest';
import { together } from '../../src/identity/together.ts';

/** A store that answers when it is told to. */
function slowStore() {
  const there = new Map<string, number>();
  const asked: { readonly keys: readonly string[]; answer(): void; fail(): void }[] = [];
  const ask = (keys: readonly string[]) => {
    // What is there when the question comes, not when it is answered.
    const found = new Map(
      keys.flatMap((key) => (there.has(key) ? [[key, there.get(key) ?? 0] as const] : [])),
    );
    return new Promise<ReadonlyMap<string, number>>((resolve, reject) => {
      asked.push({ keys, answer: () => resolve(found), fail: () => reject(new Error('no store')) });
    });
  };
  return { there, asked, ask };
}

test('the first question is asked at once, and those that come meanwhile are the next one, all together', async () => {
  const { there, asked, ask } = slowStore();
  const find = together(ask);
  there.set('a', 1);
  const first = find('a');
  const others = [find('b'), find('c'), find('b')];
  expect(asked.map(({ keys }) => keys)).toEqual([['a']]);
  asked[0]?.answer();
  expect(await first).toBe(1);
  await expect.poll(() => asked.length).toBe(2);
  expect(asked[1]?.keys).toEqual(['b', 'c']);
  there.set('b', 2);
  asked[1]?.answer();
  expect(await Promise.all(others)).toEqual([undefined, undefined, undefined]);
});

test('what was made after a question was asked is found by the next one', async () => {
  const { there, asked, ask } = slowStore();
  const find = together(ask);
  const before = find('a');
  there.set('a', 1);
  const after = find('a');
  asked[0]?.answer();
  expect(await before).toBeUndefined();
  await expect.poll(() => asked.length).toBe(2);
  asked[1]?.answer();
  expect(await after).toBe(1);
});

test('ten thousand that nobody has are a few dozen questions, and the one that is there waits for no more than those before it', async () => {
  const { there, asked, ask } = slowStore();
  vi.useFakeTimers();
  try {
    const find = together(ask);
    const nobodys = Array.from({ length: 10_000 }, (_, index) => find(`x${index}`));
    there.set('mine', 7);
    const mine = find('mine');
    for (let answered = 0; asked.length > answered; answered += 1) {
      asked[answered]?.answer();
      await vi.advanceTimersByTimeAsync(20);
    }
    expect(await mine).toBe(7);
    expect(new Set(await Promise.all(nobodys))).toEqual(new Set([undefined]));
    expect(asked.length).toBeLessThan(30);
  } finally {
    vi.useRealTimers();
  }
});

test('a store that gives no answer fails those who asked, and is asked again', async () => {
  const { there, asked, ask } = slowStore();
  const find = together(ask);
  const failed = find('a');
  asked[0]?.fail();
  await expect(failed).rejects.toThrow('no store');
  there.set('a', 1);
  const again = find('a');
  await expect.poll(() => asked.length).toBe(2);
  asked[1]?.answer();
  expect(await again).toBe(1);
});
