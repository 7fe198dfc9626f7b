import { type Kysely, sql } from 'kysely';
import { unavailable } from '../../errors.ts';
import type { Schema } from '../schema.ts';
import { type AuditEntry, type AuditFilter, firstIdOf, momentOf } from './entry.ts';
import { countOf, entriesAt, newestIn, positionsOf, SEGMENT_SPAN_MS } from './segments.ts';
import { beginningOf, REQUEST_MS, termsFor } from './terms.ts';

/** Segments whose terms are read at once. */
const LOOKED_AT = 500;
/** Segments that are read at once. */
const READ_AT_ONCE = 16;
/** How often a search begins again because segments were put together meanwhile: that is done once a minute. */
const MOST_ATTEMPTS = 10;

/** A segment that has entries with all terms. */
interface Hit {
  readonly id: string;
  readonly positions: bigint;
}

/** One search: which ids of entries it is about, from the first on and below the second, and how many are wanted. */
interface Search {
  readonly filter: AuditFilter;
  /** The request of which every entry is that is meant, where no term tells it. */
  readonly ofRequest?: string;
  readonly from: string;
  readonly below: string;
  readonly limit: number;
}

/** Above every id. */
const NO_END = 'g';

/**
 * Entries that a filter is about, newest first.
 *
 * @param before - the id that all are below; undefined to begin with the newest.
 * @throws ApiError 503 if segments are put together again and again meanwhile.
 */
export async function search(
  db: Kysely<Schema>,
  filter: AuditFilter,
  limit: number,
  before = NO_END,
): Promise<readonly AuditEntry[]> {
  const { since, until, requestId, ...others } = filter;
  const end = until === undefined ? NO_END : firstIdOf(until + 1);
  const from = since === undefined ? '' : firstIdOf(since);
  const below = lower(before, end);
  const found = await searchAgain(db, { filter, from, below, limit });
  const began = requestId === undefined ? undefined : beginningOf(requestId);
  if (requestId === undefined || began === undefined) {
    return found;
  }
  const close = await searchAgain(db, {
    filter: others,
    ofRequest: requestId,
    from: from > firstIdOf(began) ? from : firstIdOf(began),
    below: lower(below, firstIdOf(began + REQUEST_MS + 1)),
    limit,
  });
  return newestFirst([...found, ...close]).slice(0, limit);
}

const lower = (one: string, other: string): string => (one < other ? one : other);

const newestFirst = (entries: readonly AuditEntry[]): readonly AuditEntry[] =>
  entries.toSorted((one, other) => (one.id > other.id ? -1 : 1));

async function searchAgain(db: Kysely<Schema>, asked: Search): Promise<readonly AuditEntry[]> {
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
    const found = await trySearch(db, asked);
    if (found !== 'moved') {
      return found;
    }
  }
  throw unavailable('The audit log is being tidied up. Ask again.');
}

async function trySearch(db: Kysely<Schema>, asked: Search): Promise<readonly AuditEntry[] | 'moved'> {
  const { from, below, limit, ofRequest } = asked;
  let found: readonly AuditEntry[] = [];
  for await (const hits of hitsOf(db, asked)) {
    if (hits === 'moved') {
      return 'moved';
    }
    // Segments come by their newest entries; what is above those of all that follow is complete.
    const last = found[limit - 1];
    if (last !== undefined && last.id > newestIn(hits[0]?.id ?? '')) {
      break;
    }
    const entries = await entriesOf(db, hits, ofRequest);
    if (entries === 'moved') {
      return 'moved';
    }
    found = newestFirst([...found, ...entries.filter(({ id }) => id >= from && id < below)]);
  }
  return found.slice(0, limit);
}

/** What is found, by some segments at once: no more than have as many entries as are wanted. */
async function* hitsOf(db: Kysely<Schema>, asked: Search): AsyncGenerator<readonly Hit[] | 'moved'> {
  let last: string | undefined;
  for (;;) {
    const rows = await termRows(db, asked, last);
    // The last of the page before is read again: it is there, or was put together with some that follow.
    if (last !== undefined && rows[0]?.id !== last) {
      yield 'moved';
      return;
    }
    const fresh = last === undefined ? rows : rows.slice(1);
    for (const hits of groupsOf(fresh, asked.limit)) {
      yield hits;
    }
    if (rows.length < LOOKED_AT) {
      return;
    }
    last = rows.at(-1)?.id;
  }
}

function* groupsOf(rows: readonly Hit[], limit: number): Generator<readonly Hit[]> {
  let hits: Hit[] = [];
  let count = 0;
  for (const row of rows) {
    if (row.positions === 0n) {
      continue;
    }
    hits.push(row);
    count += countOf(row.positions);
    if (count >= limit || hits.length === READ_AT_ONCE) {
      yield hits;
      hits = [];
      count = 0;
    }
  }
  if (hits.length > 0) {
    yield hits;
  }
}

/** Segments that have entries with each term, newest first, and which entries have all of them. */
async function termRows(
  db: Kysely<Schema>,
  { filter, from, below }: Search,
  upTo: string | undefined,
): Promise<readonly Hit[]> {
  const [first, ...others] = termsFor(filter);
  const other = (index: number) => sql.table(`other${index}`);
  const conditions = [
    sql`first.term = ${first} and first.segment_id >= ${from}`,
    ...others.map(
      (term, index) => sql`${other(index)}.term = ${term} and ${other(index)}.segment_id = first.segment_id`,
    ),
    ...(below === NO_END
      ? []
      : [
          sql`first.first_id < ${below}`,
          sql`first.segment_id < ${firstIdOf(momentOf(below) + SEGMENT_SPAN_MS + 1)}`,
        ]),
    ...(upTo === undefined ? [] : [sql`first.segment_id <= ${upTo}`]),
  ];
  const positions = [sql`first.positions`, ...others.map((_, index) => sql`${other(index)}.positions`)];
  // A cross join is carried out in the order in which it is written where there are no statistics (SQLite).
  const { rows } = await sql<{ id: string; positions: string }>`
    select first.segment_id as id, ${sql.join(positions, sql` || ' ' || `)} as positions
    from audit_terms as first ${sql.join(
      others.map((_, index) => sql`cross join audit_terms as ${other(index)}`),
      sql` `,
    )}
    where ${sql.join(conditions, sql` and `)}
    order by first.segment_id desc limit ${LOOKED_AT}`.execute(db);
  return rows.map((row) => ({
    id: row.id,
    positions: row.positions
      .split(' ')
      .map(positionsOf)
      .reduce((one, another) => one & another),
  }));
}

async function entriesOf(
  db: Kysely<Schema>,
  hits: readonly Hit[],
  requestId: string | undefined,
): Promise<readonly AuditEntry[] | 'moved'> {
  const rows = await db
    .selectFrom('audit_segments')
    .selectAll()
    .where(
      'id',
      'in',
      hits.map(({ id }) => id),
    )
    .execute();
  const positions = new Map(hits.map((hit) => [hit.id, hit.positions]));
  if (rows.length < hits.length) {
    return 'moved';
  }
  const isAbout = requestId === undefined ? () => true : (entry: AuditEntry) => entry.requestId === requestId;
  return rows
    .filter(({ entries }) => requestId === undefined || entries.includes(requestId))
    .flatMap(({ id, entries }) => entriesAt(entries, positions.get(id) ?? 0n).filter(isAbout));
}
