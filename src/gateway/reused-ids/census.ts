import { setTimeout } from 'node:timers/promises';
import { createSightings, type Kind, type SightingsOptions } from './sightings.ts';

/**
 * Knows which experiment has which id. SQLite gives an id out again once `mlflow gc` has removed the experiment that had
 * it, and MLflow makes experiments by itself: a grant on an id is void if it was on another experiment.
 */
export interface Census {
  /** Undefined if it was looked lately; otherwise a promise of that, which never fails and does not take long. */
  lately(): Promise<void> | undefined;
  /**
   * Looks now.
   *
   * @throws ApiError 503 or 504 if MLflow does not say what it has.
   */
  afresh(): Promise<void>;
  /** When an experiment was made, in milliseconds since the epoch by MLflow's clock; undefined if that is not known. */
  madeAt(experimentId: string): number | undefined;
  /** Whether MLflow keeps experiments at all, as far as it has said. */
  keepsExperiments(): boolean;
}

export interface CensusOptions extends SightingsOptions {
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/** After this time it is looked again, while the last look still counts. */
const FRESH_MS = 1_000;
/** After so many times as much, a request waits for the next look. */
const LATE = 5;
/** A slow MLflow rests so many times as long as it takes for a look. */
const REST = 4;
/** An MLflow whose ids never come again is looked at only for being replaced by another. */
const QUIET_MS = 60_000;
/** A request does not wait longer than this for a look: an MLflow that hangs is not to hold up what needs it less. */
const PATIENCE_MS = 5_000;

export function createCensus({ clock, ...options }: CensusOptions): Census {
  const { log } = options;
  const sightings = createSightings(options);
  let kind: Kind = 'counts';
  let lookedAt = Number.NEGATIVE_INFINITY;
  let freshMs = FRESH_MS;
  let hasFailed = false;
  let looking: Promise<void> | undefined;

  async function look(): Promise<void> {
    const startedAt = clock();
    try {
      kind = await sightings.look();
      freshMs = kind === 'counts' ? Math.max(FRESH_MS, (clock() - startedAt) * REST) : QUIET_MS;
      hasFailed = false;
    } catch (error) {
      // Said once, and not asked again at once by every request.
      if (!hasFailed) {
        log.warn({ err: error }, 'MLflow does not say which experiments it has');
      }
      hasFailed = true;
      throw error;
    } finally {
      lookedAt = hasFailed ? clock() : startedAt;
    }
  }

  function start(): Promise<void> {
    looking ??= look().finally(() => {
      looking = undefined;
    });
    return looking;
  }

  return {
    lately() {
      const age = clock() - lookedAt;
      if (age >= 0 && age <= freshMs) {
        return undefined;
      }
      const started = start().catch(() => undefined);
      return age >= 0 && age <= freshMs * LATE
        ? undefined
        : Promise.race([started, setTimeout(PATIENCE_MS, undefined, { ref: false })]);
    },

    async afresh() {
      // One that is under way may have asked before.
      await looking?.catch(() => undefined);
      await start();
    },

    madeAt: (experimentId) => sightings.madeAt(Number(experimentId)),
    keepsExperiments: () => kind !== 'keeps none',
  };
}
