import { expect } from 'vitest';
import type { Person } from '../support/gateway.ts';

/** How rights change during a soak, and who asks. */
export interface SoakOptions {
  readonly ms: number;
  /** Between two changes. */
  readonly everyMs: number;
  /** Changes the right, at one gateway or the other; answers the status. */
  readonly change: (permission: 'READ' | 'NO_PERMISSIONS', turn: number) => Promise<number>;
  /** Those who ask all the time, each at a gateway. */
  readonly readers: readonly Pick<Person, 'get'>[];
  readonly target: string;
}

export interface Soaked {
  readonly changes: number;
  readonly answers: number;
  /** What was answered by rights that had been changed before the question was asked. */
  readonly stale: readonly string[];
}

const STATUS = { READ: 200, NO_PERMISSIONS: 403 } as const;

/** Changes rights all the time while others ask: an answer is stale if no change was under way and it is of an older one. */
export async function soak({ ms, everyMs, change, readers, target }: SoakOptions): Promise<Soaked> {
  const end = performance.now() + ms;
  const stale: string[] = [];
  let current: keyof typeof STATUS = 'NO_PERMISSIONS';
  let changes = 0;
  let answers = 0;
  /** Odd while a change is under way, or none was made yet. */
  let edition = 1;

  async function keepChanging(): Promise<void> {
    while (performance.now() < end) {
      const next = current === 'READ' ? 'NO_PERMISSIONS' : 'READ';
      edition += edition % 2 === 0 ? 1 : 0;
      expect(await change(next, changes)).toBe(200);
      current = next;
      edition += 1;
      changes += 1;
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  }

  async function keepAsking(reader: Pick<Person, 'get'>): Promise<void> {
    while (performance.now() < end) {
      const [before, wanted] = [edition, STATUS[current]];
      const { status } = await reader.get(target);
      answers += 1;
      if (before % 2 === 0 && edition === before && status !== wanted) {
        stale.push(`${status} in place of ${wanted} after ${changes} changes`);
      }
    }
  }

  await Promise.all([keepChanging(), ...readers.map(keepAsking)]);
  return { changes, answers, stale };
}
