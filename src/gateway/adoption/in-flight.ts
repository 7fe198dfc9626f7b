import type { FastifyBaseLogger } from 'fastify';
import { HOLD_MS, type Intents } from '../../store/intents.ts';

/** The intents whose request is on its way in this process: not to be settled behind its back, by any process. */
export interface InFlight {
  has(id: number): boolean;
  add(id: number): void;
  /** Says in the store too that nobody waits for it any more. */
  release(id: number): Promise<void>;
  /** Forgets one whose intent is closed, so that there is nothing to tell the store. */
  delete(id: number): void;
}

/** How often the store is told; a few times within what one telling is good for. */
const TELL_MS = HOLD_MS / 4;

/** Tells the store again and again what is in flight, for other gateways; what is answered at once is never told. */
export function createInFlight(intents: Intents, log: FastifyBaseLogger): InFlight {
  const ids = new Set<number>();
  let telling: NodeJS.Timeout | undefined;

  function tell(): void {
    intents.hold([...ids]).catch((error: unknown) => {
      log.warn({ err: error }, 'other gateways cannot be told which changes are under way');
    });
  }

  function remove(id: number): void {
    ids.delete(id);
    if (ids.size === 0) {
      clearInterval(telling);
      telling = undefined;
    }
  }

  return {
    has: (id) => ids.has(id),
    add(id) {
      ids.add(id);
      telling ??= setInterval(tell, TELL_MS).unref();
    },
    async release(id) {
      if (!ids.has(id)) {
        return;
      }
      remove(id);
      // If it cannot be told it is found out a few moments later.
      await intents.release(id).catch(() => undefined);
    },
    delete: remove,
  };
}
