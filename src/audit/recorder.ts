import { setImmediate } from 'node:timers/promises';
import type { FastifyBaseLogger } from 'fastify';
import {
  type Audit,
  type AuditEntry,
  collectEntries,
  readEntries,
  type Segment,
  sizeOf,
} from '../store/audit/index.ts';
import { tidy } from './tidy.ts';

/** Takes entries on the way of requests, and writes them beside it. */
export interface Recorder {
  /** Takes an entry; it is in the log within {@link FLUSH_MS}. */
  record(entry: AuditEntry): void;
  /** Entries that are taken and not yet written. */
  readonly waiting: number;
  /** Writes everything that was taken; resolves when it is kept, or cannot be. */
  flush(): Promise<void>;
  /** Flushes, and takes nothing more. */
  close(): Promise<void>;
}

export interface RecorderOptions {
  readonly audit: Pick<Audit, 'addSegments' | 'merge' | 'prune'>;
  readonly log: Pick<FastifyBaseLogger, 'error' | 'warn'>;
  /** How many days entries are kept. */
  readonly keepDays: number;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/** How long an entry may wait for others that are written along with it. */
const FLUSH_MS = 500;
/**
 * Segments of one transaction: others wait for the store's one writer meanwhile, and of a SQLite file so does every request.
 * A transaction waits for the disk, which takes as long as to write a thousand entries.
 */
const BATCH = 8;
/** Entries that wait for a store that does not answer. Beyond, the newest are told to the process log alone. */
const MOST_WAITING = 100_000;

/** Creates the way into the audit log; entries are written in the order in which they were taken. */
export function createRecorder({ audit, log, keepDays, clock }: RecorderOptions): Recorder {
  const collection = collectEntries();
  /** What is to be written next, of before what the collection has. */
  let segments: readonly Segment[] = [];
  let waiting = 0;
  let writing: Promise<void> | undefined;
  let lost = 0;
  let closed = false;
  const flushing = setInterval(() => void flush(), FLUSH_MS);
  const tidying = tidy({ audit, log, keepDays, clock });
  flushing.unref();

  async function write(): Promise<void> {
    segments = [...segments, ...collection.take()];
    while (segments.length > 0) {
      const batch = segments.slice(0, BATCH);
      try {
        await audit.addSegments(batch);
      } catch (error) {
        log.warn({ err: error, waiting }, 'the audit log cannot be written right now');
        return;
      }
      segments = segments.slice(batch.length);
      waiting -= batch.reduce((sum, { id }) => sum + sizeOf(id), 0);
      // Requests get their turn between two transactions: of a SQLite file, each holds all else up.
      await setImmediate();
    }
    if (lost > 0) {
      log.error({ lost }, 'entries of the audit log were told to this log alone');
      lost = 0;
    }
  }

  function flush(): Promise<void> {
    writing ??= write().finally(() => {
      writing = undefined;
    });
    return writing;
  }

  return {
    record(entry) {
      if (closed || waiting >= MOST_WAITING) {
        lost += 1;
        log.error({ entry }, 'the audit log takes no more entries');
        return;
      }
      collection.add(entry);
      waiting += 1;
    },
    get waiting() {
      return waiting;
    },
    async flush() {
      await flush();
      // What was taken while others were written.
      if (waiting > 0) {
        await flush();
      }
    },
    async close() {
      clearInterval(flushing);
      tidying.close();
      await this.flush();
      closed = true;
      for (const { entries } of [...segments, ...collection.take()]) {
        for (const entry of readEntries(entries)) {
          log.error({ entry }, 'the audit log could not be written before the end');
        }
      }
    },
  };
}
