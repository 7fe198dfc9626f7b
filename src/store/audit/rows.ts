import type { Kysely } from 'kysely';
import type { Engine } from '../engine.ts';
import type { Schema } from '../schema.ts';
import { readEntries, type Segment } from './segments.ts';
import { termsOf } from './terms.ts';

/** A segment as it is kept, without its terms. */
type SegmentRow = Pick<Segment, 'id' | 'entries'>;

const SEGMENT_COLUMNS = ['id', 'entries'];
const TERM_COLUMNS = ['term', 'segment_id', 'first_id', 'positions'];
/** Terms that one statement removes: databases take no more than some ten thousand values. */
const TERMS_AT_ONCE = 1000;

/** Keeps segments, within a transaction. */
export async function addSegments(
  db: Kysely<Schema>,
  { insertRows }: Pick<Engine, 'insertRows'>,
  segments: readonly Segment[],
): Promise<void> {
  await insertRows(
    db,
    'audit_segments',
    SEGMENT_COLUMNS,
    segments.map(({ id, entries }) => [id, entries]),
  );
  const terms = segments.flatMap(({ id, firstId, terms }) =>
    Array.from(terms, ([term, positions]) => [term, id, firstId, positions]),
  );
  await insertRows(db, 'audit_terms', TERM_COLUMNS, terms);
}

/**
 * Removes segments with their terms, within a transaction. Their terms are told by their entries: an index of them by
 * segment would have to be written with each.
 */
export async function removeSegments(db: Kysely<Schema>, segments: readonly SegmentRow[]): Promise<void> {
  for (const { id, entries } of segments) {
    const terms = [...new Set(readEntries(entries).flatMap(termsOf))];
    for (let start = 0; start < terms.length; start += TERMS_AT_ONCE) {
      await db
        .deleteFrom('audit_terms')
        .where('term', 'in', terms.slice(start, start + TERMS_AT_ONCE))
        .where('segment_id', '=', id)
        .execute();
    }
    await db.deleteFrom('audit_segments').where('id', '=', id).execute();
  }
}
