import type { Kysely } from 'kysely';
import type { Engine } from '../engine.ts';
import type { Schema } from '../schema.ts';
import { firstIdOf, momentOf } from './entry.ts';
import { addSegments, removeSegments } from './rows.ts';
import { readEntries, SEGMENT_SIZE, SEGMENT_SPAN_MS, type Segment, segmentsOf, sizeOf } from './segments.ts';
import { ANY } from './terms.ts';

/** How far back small segments are looked for: those before had their chance while they were young. */
const LOOK_BACK_MS = 2 * SEGMENT_SPAN_MS;

/** A segment, by the term that every entry has. */
type Kept = Pick<Segment, 'id' | 'firstId'>;

/**
 * Puts small segments together with those that follow them, within a transaction.
 *
 * @param before - the id that all are below.
 * @param limit - how many are written at most.
 * @returns how many.
 */
export async function merge(
  db: Kysely<Schema>,
  engine: Pick<Engine, 'insertRows'>,
  before: string,
  limit: number,
): Promise<number> {
  const groups = groupsOf(await keptBefore(db, before)).slice(0, limit);
  for (const group of groups) {
    const rows = await db.selectFrom('audit_segments').selectAll().where('id', 'in', group).execute();
    await removeSegments(db, rows);
    await addSegments(db, engine, segmentsOf(rows.flatMap(({ entries }) => readEntries(entries))));
  }
  return groups.length;
}

/** Segments below an id, oldest first. */
async function keptBefore(db: Kysely<Schema>, before: string): Promise<readonly Kept[]> {
  return db
    .selectFrom('audit_terms')
    .select(['segment_id as id', 'first_id as firstId'])
    .where('term', '=', ANY)
    .where('segment_id', '<', before)
    .where('segment_id', '>=', firstIdOf(momentOf(before) - LOOK_BACK_MS))
    .orderBy('segment_id')
    .execute();
}

/** Neighbours that one segment has room for, by their ids. */
function groupsOf(kept: readonly Kept[]): readonly (readonly string[])[] {
  const groups: { readonly ids: string[]; size: number; oldest: string }[] = [];
  for (const { id, firstId } of kept) {
    const group = groups.at(-1);
    const size = sizeOf(id);
    const oldest = group !== undefined && group.oldest < firstId ? group.oldest : firstId;
    if (
      group !== undefined &&
      group.size + size <= SEGMENT_SIZE &&
      momentOf(id) - momentOf(oldest) <= SEGMENT_SPAN_MS
    ) {
      group.ids.push(id);
      group.size += size;
      group.oldest = oldest;
    } else {
      groups.push({ ids: [id], size, oldest: firstId });
    }
  }
  return groups.map(({ ids }) => ids).filter(({ length }) => length > 1);
}
