import type { JsonObject } from '../../mlflow/upstream/answer-json.ts';
import { idOf } from './row-id.ts';

/** What of a list its reader is shown. */
export interface Shown {
  /** Whether a row with this id is shown. */
  readonly mayRead: (id: string, row: JsonObject) => boolean | Promise<boolean>;
  /** All ids that may be shown, if they can be listed at all. */
  readonly only: readonly string[] | undefined;
  /** Nothing would be taken out of any page. */
  readonly everything: boolean;
  /** How many rows are judged at the same time, where each costs a look-up; left out where none does. */
  readonly atOnce?: number;
}

/** Those of some rows that are shown, in their order. */
export async function shownOf(
  rows: readonly JsonObject[],
  id: string,
  shown: Pick<Shown, 'mayRead' | 'atOnce'>,
): Promise<readonly JsonObject[]> {
  const kept: JsonObject[] = [];
  for (const batch of batchesOf(rows, shown)) {
    kept.push(...(await shownAmong(batch, id, shown)));
  }
  return kept;
}

/** Those of a batch of rows that are shown; judged together, and at once where nothing has to be looked up. */
export function shownAmong(
  rows: readonly JsonObject[],
  id: string,
  { mayRead }: Pick<Shown, 'mayRead'>,
): readonly JsonObject[] | Promise<readonly JsonObject[]> {
  const verdicts = rows.map((row) => mayRead(idOf(row, id), row));
  return verdicts.some((verdict) => verdict instanceof Promise)
    ? Promise.all(verdicts).then((known) => rows.filter((_, index) => known[index]))
    : rows.filter((_, index) => verdicts[index]);
}

/**
 * Rows in the groups in which they are judged.
 *
 * @param missing - how many rows are still to be shown: where each costs a look-up, no more are judged at a time.
 */
export function* batchesOf(
  rows: readonly JsonObject[],
  { atOnce }: Pick<Shown, 'atOnce'>,
  missing: () => number = () => rows.length,
): Generator<readonly JsonObject[]> {
  for (let start = 0, size = 0; start < rows.length; start += size) {
    size = atOnce === undefined ? rows.length : Math.max(1, Math.min(atOnce, missing()));
    yield rows.slice(start, start + size);
  }
}
