import { LRUCache } from 'lru-cache';

/**
 * A cache that drops what was used least recently. It takes memory for what it holds alone: with its `max`, lru-cache takes
 * room for so many at once, sixteen bytes for each that may ever come, in each cache of each workspace.
 *
 * @param most - how many it holds.
 * @param dropped - told of each that it drops, or has replaced.
 */
export function recentlyUsed<V extends object | string | number>(
  most: number,
  dropped?: (value: V) => unknown,
): LRUCache<string, V> {
  return new LRUCache<string, V>({
    maxSize: most,
    sizeCalculation: () => 1,
    ...(dropped !== undefined && { dispose: dropped }),
  });
}
