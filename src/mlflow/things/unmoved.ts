import type { LRUCache } from 'lru-cache';
import type { Root } from '../../policy/resources.ts';
import { recentlyUsed } from '../../recently-used.ts';

/** What things belonged to when they were last moved. It holds for a thing that says the same moment. */
export interface Unmoved {
  /** Its roots, if they are known as of that move; undefined if the move is not known either. */
  get(key: string, movedAt: number | undefined): readonly Root[] | undefined;
  set(key: string, movedAt: number, roots: readonly Root[] | undefined): void;
  /** Forgets what was in an experiment that is gone. */
  forget(experimentId: string): void;
}

const REMEMBERED = 200_000;
/** Two moves could have the same moment only within a millisecond: none has that of a move so long ago. */
const SETTLED_MS = 60_000;

/** @param clock - milliseconds since the epoch. */
export function createUnmoved(clock: () => number): Unmoved {
  const known = recentlyUsed<{ movedAt: number; roots: readonly Root[] }>(REMEMBERED);
  return {
    get(key, movedAt) {
      const at = known.get(key);
      return at?.movedAt === movedAt ? at?.roots : undefined;
    },
    set(key, movedAt, roots) {
      if (roots !== undefined && movedAt < clock() - SETTLED_MS) {
        known.set(key, { movedAt, roots });
      }
    },
    forget(experimentId) {
      forgetAllIn(experimentId, known, ({ roots }) => roots);
    },
  };
}

/** Takes out of a memory what belongs to an experiment. */
export function forgetAllIn<V extends object>(
  experimentId: string,
  memory: LRUCache<string, V>,
  rootsOf: (value: V) => readonly Root[],
): void {
  for (const [key, value] of memory) {
    if (rootsOf(value).some(({ kind, id }) => kind === 'experiment' && id === experimentId)) {
      memory.delete(key);
    }
  }
}
