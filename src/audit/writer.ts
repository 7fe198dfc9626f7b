import { setImmediate } from 'node:timers/promises';
import { ApiError } from '../errors.ts';
import { type Audit, type AuditEntry, readEntries, type Segment, segmentsOf } from '../store/audit/index.ts';

/** Writes segments, and holds those that cannot be written now. */
export interface Writer {
  /**
   * Writes segments after those that it holds. What fails comes last from then on, so that it is in nobody's way.
   *
   * @throws what the store does, unless that is about some entry alone.
   */
  write(segments: readonly Segment[]): Promise<void>;
  readonly held: readonly Segment[];
}

export interface WriterOptions {
  readonly audit: Pick<Audit, 'addSegments' | 'addMissing'>;
  /** Told of what is kept. */
  readonly onWritten: (segments: readonly Segment[]) => void;
  /** Told of an entry that the store does not take, though it takes others. */
  readonly onRefused: (entry: AuditEntry, error: unknown) => void;
}

/**
 * Segments of one transaction: others wait for the store's one writer meanwhile, and of a SQLite file so does every request.
 * A transaction waits for the disk, which takes as long as to write a thousand entries.
 */
const BATCH = 4;
/** UTF-16 code units of one transaction: PostgreSQL takes what it inserts as one value, which has an end at 256 MB. */
const BATCH_LENGTH = 4_000_000;
/** How often a segment fails while others are written until it is to blame: a lock, or a connection, may be lost by chance. */
const MOST_FAILURES = 20;

/** A segment that is to be written. */
interface Due {
  readonly segment: Segment;
  /** How many transactions were kept when it failed last. One that has failed may have been kept all the same. */
  failedAfter: number | undefined;
  /** How often it has failed, and others were kept before it failed again. */
  failures: number;
}

export function createWriter({ audit, onWritten, onRefused }: WriterOptions): Writer {
  let due: readonly Due[] = [];
  let transactions = 0;

  async function writeNext(): Promise<void> {
    const batch = batchOf(due);
    const segments = batch.map(({ segment }) => segment);
    try {
      await (isDoubtful(batch[0]) ? audit.addMissing(segments) : audit.addSegments(segments));
    } catch (error) {
      fail(batch, error);
      return;
    }
    transactions += 1;
    due = due.slice(batch.length);
    onWritten(segments);
  }

  function fail(batch: readonly Due[], error: unknown): void {
    for (const each of batch) {
      if (each.failedAfter !== undefined && each.failedAfter < transactions) {
        each.failures += 1;
      }
      each.failedAfter = transactions;
    }
    const isRefusal = error instanceof ApiError && error.status < 500;
    const [first, ...others] = batch;
    // Whichever of several is refused shows when each comes by itself.
    if (isRefusal && others.length > 0) {
      return;
    }
    due = due.slice(batch.length);
    if (first !== undefined && others.length === 0 && (isRefusal || first.failures >= MOST_FAILURES)) {
      giveUp(first, error);
      return;
    }
    due = [...due, ...batch];
    throw error;
  }

  /** One entry is to blame, and the others stay in the log: nobody can keep their neighbours out of it. */
  function giveUp({ segment, failures }: Due, error: unknown): void {
    const entries = readEntries(segment.entries);
    const [only, ...others] = entries;
    if (only !== undefined && others.length === 0) {
      onRefused(only, error);
      return;
    }
    const middle = Math.ceil(entries.length / 2);
    const halves = [entries.slice(0, middle), entries.slice(middle)].flatMap(segmentsOf);
    due = [...halves.map((half) => ({ segment: half, failedAfter: transactions, failures })), ...due];
  }

  return {
    async write(segments) {
      due = [...due, ...segments.map((segment) => ({ segment, failedAfter: undefined, failures: 0 }))];
      while (due.length > 0) {
        await writeNext();
        // Requests get their turn between two transactions: of a SQLite file, each holds all else up.
        await setImmediate();
      }
    },
    get held() {
      return due.map(({ segment }) => segment);
    },
  };
}

const isDoubtful = (first: Due | undefined): boolean => first?.failedAfter !== undefined;

/** The first that are written in one transaction: one that has failed comes by itself, or others would fail with it. */
function batchOf(due: readonly Due[]): readonly Due[] {
  const batch: Due[] = [];
  let length = 0;
  for (const each of due.slice(0, BATCH)) {
    length += each.segment.entries.length;
    const isAlone = isDoubtful(batch[0]) || isDoubtful(each);
    if (batch.length > 0 && (isAlone || length > BATCH_LENGTH)) {
      break;
    }
    batch.push(each);
  }
  return batch;
}
