import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { tidy } from '../../src/audit/tidy.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;
const NOW = 100 * DAY;

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout'] }));
afterEach(() => void vi.useRealTimers());

/** What is tidied up in a log that has so many segments left to remove, and to put together. */
function tidied(left: { prune: number; merge: number; readonly fails?: boolean }) {
  const asked: [string, number][] = [];
  const warnings: unknown[] = [];
  const step = (what: 'prune' | 'merge') => async (olderThan: number, limit: number) => {
    if (left.fails) {
      throw new Error('away');
    }
    asked.push([what, olderThan]);
    const done = Math.min(left[what], limit);
    left[what] -= done;
    return done;
  };
  const tidying = tidy({
    audit: { prune: step('prune'), merge: step('merge') },
    log: { warn: (about: unknown) => void warnings.push(about) },
    keepDays: 90,
    clock: () => NOW,
  });
  onTestFinished(() => tidying.close());
  return { asked, warnings, tidying };
}

test('once a minute what is too old is removed, then what is a minute old is put together', async () => {
  const { asked } = tidied({ prune: 0, merge: 0 });
  await vi.advanceTimersByTimeAsync(MINUTE - 1);
  expect(asked).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(asked).toEqual([
    ['prune', 10 * DAY],
    ['merge', NOW - MINUTE],
  ]);
});

test('much is done a little at a time, and not begun again meanwhile', async () => {
  const { asked } = tidied({ prune: 5000, merge: 3 });
  await vi.advanceTimersByTimeAsync(2 * MINUTE);
  const halfway = asked.length;
  // A step each tenth of a second: a second one beside it would make twice as many.
  expect(halfway).toBeLessThanOrEqual(MINUTE / 100 + 1);
  await vi.advanceTimersByTimeAsync(5 * MINUTE);
  expect(asked.filter(([what]) => what === 'prune').length).toBeGreaterThan(2500);
  expect(asked.some(([what]) => what === 'merge')).toBe(true);
});

test('a step that fails is told, and the next minute tries again until it is closed', async () => {
  const { warnings, tidying } = tidied({ prune: 0, merge: 0, fails: true });
  await vi.advanceTimersByTimeAsync(2 * MINUTE);
  expect(warnings).toHaveLength(2);
  tidying.close();
  await vi.advanceTimersByTimeAsync(2 * MINUTE);
  expect(warnings).toHaveLength(2);
});
