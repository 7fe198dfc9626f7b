import type { Kysely } from 'kysely';
import type { Engine } from '../engine.ts';
import type { Schema } from '../schema.ts';
import type { Write } from '../write.ts';
import { type AuditEntry, type AuditFilter, firstIdOf } from './entry.ts';
import { merge } from './merge.ts';
import { missingOf } from './missing.ts';
import { addSegments, removeSegments } from './rows.ts';
import { search } from './search.ts';
import { type Segment, segmentsOf } from './segments.ts';

export { type AuditChange, type AuditEntry, type AuditFilter, firstIdOf } from './entry.ts';
export {
  type Collection,
  collectEntries,
  readEntries,
  SEGMENT_SIZE,
  type Segment,
  segmentsOf,
  sizeOf,
} from './segments.ts';
export { cut } from './shown.ts';

/** The audit log: entries are added and, when they are old, removed; never changed. */
export interface Audit {
  /** Adds entries, all of them or none. */
  add(entries: readonly AuditEntry[]): Promise<void>;
  /** Adds the entries of segments, all of them or none. */
  addSegments(segments: readonly Segment[]): Promise<void>;
  /** Adds those entries of segments that are not there: an answer may be lost after segments were added. */
  addMissing(segments: readonly Segment[]): Promise<void>;
  /**
   * Entries, newest first.
   *
   * @param before - the id of the last entry of the page before.
   */
  search(filter: AuditFilter, limit: number, before?: string): Promise<readonly AuditEntry[]>;
  /**
   * Removes entries that are older than a moment, those that are kept together with newer ones later.
   *
   * @param limit - how many segments at most.
   * @returns how many segments.
   */
  prune(olderThan: number, limit: number): Promise<number>;
  /**
   * Puts small segments together that are older than a moment: entries that came one by one are found as quickly as those
   * that came at once.
   *
   * @param limit - how many segments are written at most.
   * @returns how many.
   */
  merge(olderThan: number, limit: number): Promise<number>;
}

type AuditEngine = Pick<Engine, 'insertRows'>;

export function createAudit(db: Kysely<Schema>, write: Write, engine: AuditEngine): Audit {
  const keep = (segments: readonly Segment[]) =>
    write((transaction) => addSegments(transaction, engine, segments));
  return {
    add: (entries) => keep(segmentsOf(entries)),
    addSegments: keep,
    addMissing: (segments) =>
      write(async (transaction) => addSegments(transaction, engine, await missingOf(transaction, segments))),
    search: (filter, limit, before) => search(db, filter, limit, before),
    prune: (olderThan, limit) =>
      write(async (transaction) => {
        const old = await transaction
          .selectFrom('audit_segments')
          .selectAll()
          .where('id', '<', firstIdOf(olderThan))
          .orderBy('id')
          .limit(limit)
          .execute();
        await removeSegments(transaction, old);
        return old.length;
      }),
    merge: (olderThan, limit) =>
      write((transaction) => merge(transaction, engine, firstIdOf(olderThan), limit)),
  };
}
