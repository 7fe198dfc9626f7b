import type { FastifyBaseLogger } from 'fastify';
import type { Audit } from '../store/audit/index.ts';

const EVERY_MS = 60_000;
/** Segments of one transaction: others wait for the store's one writer meanwhile. */
const SEGMENTS_AT_ONCE = 2;
const PAUSE_MS = 100;
/** Only what is older is put together: every gateway on the store has written its entries by then. */
const SETTLED_MS = 60_000;
const DAY_MS = 86_400_000;

export interface TidyOptions {
  readonly audit: Pick<Audit, 'merge' | 'prune'>;
  readonly log: Pick<FastifyBaseLogger, 'warn'>;
  /** How many days entries are kept. */
  readonly keepDays: number;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/** Removes from the audit log what is too old, and puts together what came one by one: once a minute, a little at a time. */
export function tidy({ audit, log, keepDays, clock }: TidyOptions): { close(): void } {
  let closed = false;
  let isUnderWay = false;
  const timer = setInterval(() => void tidyUp(), EVERY_MS);
  timer.unref();

  async function tidyUp(): Promise<void> {
    // What has gathered for long takes more than a minute.
    if (isUnderWay) {
      return;
    }
    isUnderWay = true;
    const now = clock();
    try {
      await inSteps(() => audit.prune(now - keepDays * DAY_MS, SEGMENTS_AT_ONCE));
      await inSteps(() => audit.merge(now - SETTLED_MS, SEGMENTS_AT_ONCE));
    } catch (error) {
      log.warn({ err: error }, 'old entries of the audit log cannot be removed or put together right now');
    } finally {
      isUnderWay = false;
    }
  }

  async function inSteps(step: () => Promise<number>): Promise<void> {
    while (!closed && (await step()) === SEGMENTS_AT_ONCE) {
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  return {
    close() {
      closed = true;
      clearInterval(timer);
    },
  };
}
