/** Waits for one's turn. */
export type Pace = () => Promise<void>;

export interface PaceOptions {
  /** How many turns there are in a second; the first come at once. */
  readonly perSecond: number;
  /** The longest that one waits, in milliseconds. */
  readonly longestMs: number;
  /** Milliseconds. */
  readonly clock: () => number;
}

/**
 * Spreads what comes in large numbers over time: who sends a wrong password the moment the one before is refused, over
 * hundreds of connections, would otherwise keep the gateway busy with refusals, and everybody else waiting.
 */
export function createPace({ perSecond, longestMs, clock }: PaceOptions): Pace {
  const eachMs = 1000 / perSecond;
  /** Until when all turns are taken. A second's worth may be taken at once. */
  let takenUntil = 0;
  return () => {
    const now = clock();
    // A clock that is put back must not keep anybody waiting.
    const from = takenUntil > now + longestMs ? now + longestMs - eachMs : takenUntil;
    takenUntil = Math.max(from, now - 1000) + eachMs;
    const waitMs = Math.min(takenUntil - now, longestMs);
    return waitMs <= 0 ? Promise.resolve() : new Promise((done) => setTimeout(done, waitMs));
  };
}
