import type { Kysely } from 'kysely';
import type { Schema } from '../schema.ts';
import { firstIdOf, momentOf } from './entry.ts';
import { newestIn, readEntries, SEGMENT_SPAN_MS, type Segment, segmentsOf } from './segments.ts';
import { ANY } from './terms.ts';

/**
 * What is not kept of segments that may have been added, within a transaction. They may have been put together with others
 * since, so that their entries are what tells.
 */
export async function missingOf(
  db: Kysely<Schema>,
  segments: readonly Segment[],
): Promise<readonly Segment[]> {
  const missing: Segment[] = [];
  for (const segment of segments) {
    const kept = await idsKeptAround(db, segment);
    const entries = readEntries(segment.entries);
    const others = entries.filter(({ id }) => !kept.has(id));
    missing.push(...(others.length === entries.length ? [segment] : segmentsOf(others)));
  }
  return missing;
}

/** The ids of all entries in segments that have some of the time of this one. */
async function idsKeptAround(
  db: Kysely<Schema>,
  { id, firstId }: Pick<Segment, 'id' | 'firstId'>,
): Promise<ReadonlySet<string>> {
  const lastId = newestIn(id);
  const rows = await db
    .selectFrom('audit_terms')
    .innerJoin('audit_segments', 'audit_segments.id', 'audit_terms.segment_id')
    .select('audit_segments.entries')
    .where('audit_terms.term', '=', ANY)
    .where('audit_terms.segment_id', '>=', firstId)
    .where('audit_terms.segment_id', '<', firstIdOf(momentOf(lastId) + SEGMENT_SPAN_MS + 1))
    .where('audit_terms.first_id', '<=', lastId)
    .execute();
  return new Set(rows.flatMap(({ entries }) => readEntries(entries).map((entry) => entry.id)));
}
