import type { FastifyBaseLogger } from 'fastify';
import { type Audit, type AuditEntry, collectEntries, readEntries, sizeOf } from '../store/audit/index.ts';
import { tidy } from './tidy.ts';
import { createWriter } from './writer.ts';

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
  readonly audit: Pick<Audit, 'addSegments' | 'addMissing' | 'merge' | 'prune'>;
  readonly log: Pick<FastifyBaseLogger, 'error' | 'warn'>;
  /** How many days entries are kept. */
  readonly keepDays: number;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/** How long an entry may wait for others that are written along with it. */
const FLUSH_MS = 500;
/** Entries that wait for a store that does not answer. Beyond, the newest are told to the process log alone. */
const MOST_WAITING = 100_000;

/** Creates the way into the audit log; entries are written in the order in which they were taken, while the store answers. */
export function createRecorder({ audit, log, keepDays, clock }: RecorderOptions): Recorder {
  const collection = collectEntries();
  let waiting = 0;
  let writing: Promise<void> | undefined;
  let lost = 0;
  let closed = false;
  const flushing = setInterval(() => void flush(), FLUSH_MS);
  const tidying = tidy({ audit, log, keepDays, clock });
  flushing.unref();
  const writer = createWriter({
    audit,
    onWritten(segments) {
      waiting -= segments.reduce((sum, { id }) => sum + sizeOf(id), 0);
    },
    onRefused(entry, error) {
      waiting -= 1;
      lost += 1;
      log.error({ err: error, entry }, 'the audit log cannot keep this entry');
    },
  });

  async function write(): Promise<void> {
    try {
      await writer.write(collection.take());
    } catch (error) {
      log.warn({ err: error, waiting }, 'the audit log cannot be written right now');
      return;
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
      for (const { entries } of [...writer.held, ...collection.take()]) {
        for (const entry of readEntries(entries)) {
          log.error({ entry }, 'the audit log could not be written before the end');
        }
      }
    },
  };
}
