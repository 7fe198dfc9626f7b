import type { FastifyBaseLogger } from 'fastify';
import type { Store } from '../../store/index.ts';
import type { Intent, OpenIntent } from '../../store/types.ts';
import type { Finder } from './find.ts';
import type { InFlight } from './in-flight.ts';
import type { Pending } from './outcome.ts';
import { aboutTheSame } from './places.ts';
import { createSettleGroup, type Known, type Settled } from './settle-group.ts';

/** What is not done this long after it was last waited for will not be done. */
const GIVE_UP_MS = 15 * 60_000;

/** Finds out what has become of intents whose answer did not come, and does what follows. */
export interface Settler {
  /** Settles every open intent that nobody waits for; answers how many are left. */
  all(): Promise<number>;
  /**
   * Settles the intents about the same names as one of them, all but those that a user waits for and those that are
   * known to be `done`.
   *
   * @throws ApiError 503 if the store or the upstream gives no answer.
   */
  aboutTheSame(intent: Intent, known?: Known): Promise<Settled>;
}

export interface SettlerOptions {
  readonly store: Store;
  readonly finder: Finder;
  readonly inFlight: InFlight;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly log: FastifyBaseLogger;
}

export function createSettler({ store, finder, inFlight, clock, log }: SettlerOptions): Settler {
  const settleGroup = createSettleGroup({ store, finder, stateOf, log });

  function stateOf(intent: OpenIntent): Pending['state'] {
    if (intent.isHeld || inFlight.has(intent.id)) {
      return 'awaited';
    }
    return clock() - Math.max(intent.createdAt, intent.heldUntil) > GIVE_UP_MS ? 'over' : 'unheard';
  }

  /** Of an older or newer gateway in the same store: nothing is granted on what cannot be asked for. */
  async function giveUp(intent: OpenIntent): Promise<number> {
    if (stateOf(intent) !== 'over') {
      return 1;
    }
    await store.intents.close(intent.id);
    return 0;
  }

  async function trySettling(group: readonly OpenIntent[]): Promise<number> {
    const others = group.filter(({ id }) => !inFlight.has(id));
    if (others.every(({ isHeld }) => isHeld)) {
      return others.length;
    }
    try {
      const { open } = await settleGroup(group);
      return open.filter(({ id }) => !inFlight.has(id)).length;
    } catch (error) {
      log.warn({ err: error, intents: others.map(({ id }) => id) }, 'open intents could not be settled yet');
      return others.length;
    }
  }

  return {
    async all() {
      const intents = await store.intents.list();
      const tried = new Set<OpenIntent>();
      let left = 0;
      for (const intent of intents) {
        if (tried.has(intent)) {
          continue;
        }
        const group = aboutTheSame(intent, intents);
        for (const each of group) {
          tried.add(each);
        }
        left += group.length === 0 ? await giveUp(intent) : await trySettling(group);
      }
      return left;
    },

    async aboutTheSame(intent, known) {
      return settleGroup(aboutTheSame(intent, await store.intents.list()), known);
    },
  };
}
