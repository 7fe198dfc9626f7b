import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createPlaces, type Place } from '../../../src/mlflow/upstream/places.ts';

const TIMEOUT_MS = 1000;
const places = (count: number, perUser: number) =>
  createPlaces({ places: count, perUser, timeoutMs: TIMEOUT_MS, clock: () => Date.now() });

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const [ALICE, BOB, CAROL] = [1, 2, 3] as const;

/** Which of these have their place by now. */
async function got(waiting: Readonly<Record<string, Place>>): Promise<string[]> {
  const names: string[] = [];
  for (const [name, { free }] of Object.entries(waiting)) {
    if (free === undefined) {
      names.push(name);
    } else {
      free.then(
        () => names.push(name),
        () => {},
      );
    }
  }
  await vi.advanceTimersByTimeAsync(0);
  return names;
}

test('a place is there at once, until a user has as many as one may have', async () => {
  const { take, waiting } = places(10, 2);
  const [one, two, three] = [take(ALICE), take(ALICE), take(ALICE)];
  expect(await got({ one, two, three })).toEqual(['one', 'two']);
  expect(await got({ bobs: take(BOB) })).toEqual(['bobs']);
  expect(waiting()).toBe(1);
  one.leave();
  expect(await got({ three })).toEqual(['three']);
  expect(waiting()).toBe(0);
});

test('a place that comes free goes to the user with the fewest, however many wait and since when', async () => {
  const { take } = places(3, 3);
  const alices = [take(ALICE), take(ALICE), take(ALICE)];
  const later = { alice: take(ALICE), alsoAlice: take(ALICE), bob: take(BOB), carol: take(CAROL) };
  alices[0]?.leave();
  expect(await got(later)).toEqual(['bob']);
  alices[1]?.leave();
  expect(await got(later)).toEqual(['bob', 'carol']);
  alices[2]?.leave();
  expect(await got(later)).toEqual(['alice', 'bob', 'carol']);
});

test('a place is given back once, no matter how often that is said', async () => {
  const { take } = places(1, 1);
  const first = take(ALICE);
  const [second, third] = [take(BOB), take(CAROL)];
  first.leave();
  first.leave();
  expect(await got({ second, third })).toEqual(['second']);
});

test('it is kept while work goes on that nobody waits for', async () => {
  const { take } = places(1, 1);
  const first = take(ALICE);
  const { promise, resolve } = Promise.withResolvers<void>();
  const work = first.keepWhile(promise);
  first.leave();
  const second = take(BOB);
  expect(await got({ second })).toEqual([]);
  resolve();
  await work;
  expect(await got({ second })).toEqual(['second']);
});

test('a wait ends with 504 in time, and tells how long it was otherwise', async () => {
  const { take } = places(1, 1);
  const first = take(ALICE);
  const second = take(BOB);
  const refused = expect(take(CAROL).free).rejects.toMatchObject({ status: 504, code: 'DEADLINE_EXCEEDED' });
  await vi.advanceTimersByTimeAsync(TIMEOUT_MS - 1);
  first.leave();
  expect(await second.free).toBe(TIMEOUT_MS - 1);
  await vi.advanceTimersByTimeAsync(1);
  await refused;
});

test('who leaves the queue is not given a place', async () => {
  const { take, waiting } = places(1, 1);
  const first = take(ALICE);
  const second = take(BOB);
  const third = take(CAROL);
  second.leave();
  expect(waiting()).toBe(1);
  first.leave();
  expect(await got({ second, third })).toEqual(['third']);
  await expect(second.free).rejects.toMatchObject({ status: 503 });
});

test('only so many of one user wait', () => {
  const { take } = places(1, 1);
  for (let count = 0; count < 17; count += 1) {
    take(ALICE);
  }
  expect(() => take(ALICE)).toThrow(expect.objectContaining({ status: 429, code: 'REQUEST_LIMIT_EXCEEDED' }));
  expect(() => take(BOB)).not.toThrow();
});
