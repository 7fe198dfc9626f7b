import { setTimeout } from 'node:timers/promises';
import { unavailable } from '../../errors.ts';
import type { Intent, OpenIntent } from '../../store/types.ts';
import { type ConsequenceParts, followAlone, followAmongOthers } from './consequences.ts';
import { bearsOn } from './outcome.ts';
import { aboutTheSame } from './places.ts';
import type { Settler } from './settle.ts';

/** How long an answer is kept back until earlier changes of the same name are settled. */
const LONGEST_WAIT_MS = 5_000;
const SHORTEST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 500;

export interface FollowOptions extends ConsequenceParts {
  readonly settler: Pick<Settler, 'aboutTheSame'>;
}

/**
 * Does what follows from the answer to an intent that was carried out, after what bears on it: another open intent about
 * the same name may be why grants are not yet where they belong.
 *
 * @param id - what grants on it are keyed by from now on.
 * @param made - when what was created came into being, in milliseconds since the epoch, if the answer tells it.
 * @throws ApiError 503 if that takes too long; the intent stays open then.
 */
export type Follow = (intent: Intent, id: string, made?: number) => Promise<void>;

export function createFollow(options: FollowOptions): Follow {
  const { settler, store } = options;

  /** Waits until nothing that bears on the intent is open any more, and then does what follows. */
  async function followInOrder(
    intent: Intent,
    id: string,
    made: number | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    for (let pauseMs = SHORTEST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      const { at, open, heldUp } = await settler.aboutTheSame(intent, { id: intent.id, state: 'done', made });
      const own = open.find((each) => each.id === intent.id);
      if (own === undefined) {
        // Another gateway has settled it.
        return;
      }
      const mustWait = open.some((other) => heldUp.has(other.id) && bearsOn(other, own));
      if (at !== undefined && !mustWait) {
        return followAmongOthers(options, own, id, { at, open });
      }
      await setTimeout(pauseMs, undefined, { signal });
    }
  }

  /** Follows in order, for no longer than a caller can be kept waiting. */
  async function followInTime(intent: Intent, id: string, made: number | undefined): Promise<void> {
    const ended = new AbortController();
    const { signal } = ended;
    const tooLate = setTimeout(LONGEST_WAIT_MS, undefined, { signal }).then(() => {
      throw unavailable(
        'MLflow has done this, but an earlier change of the same name is not settled yet. It will be, and this with it: look again in a moment, rather than repeat it.',
      );
    });
    try {
      await Promise.race([followInOrder(intent, id, made, signal), tooLate]);
    } finally {
      ended.abort();
    }
  }

  return async (intent, id, made) => {
    const about = aboutTheSame<OpenIntent>(intent, await store.intents.list());
    const row = about.find((each) => each.id === intent.id);
    const isAlone = about.length === 1 && row?.seen === intent.seen;
    if (!isAlone || !(await followAlone(options, intent, id, made))) {
      await followInTime(intent, id, made);
    }
  };
}
