import { expect, test } from 'vitest';
import { recentlyUsed } from '../src/recently-used.ts';

test('it holds so many, and drops what was used least recently', () => {
  const dropped: number[] = [];
  const cache = recentlyUsed<number>(2, (value) => dropped.push(value));
  cache.set('one', 1).set('two', 2);
  expect(cache.get('one')).toBe(1);
  cache.set('three', 3);
  expect([cache.get('one'), cache.get('two'), cache.get('three')]).toEqual([1, undefined, 3]);
  expect(dropped).toEqual([2]);
});

test('it takes no memory for what it does not hold', () => {
  const before = process.memoryUsage().heapUsed;
  const caches = Array.from({ length: 20 }, () => recentlyUsed<string>(1_000_000).set('one', 'value'));
  const megabytes = (process.memoryUsage().heapUsed - before) / 1e6;
  expect(caches.map((cache) => cache.get('one'))).toEqual(caches.map(() => 'value'));
  // Room for all of them at once would be 320.
  expect(megabytes).toBeLessThan(20);
});
