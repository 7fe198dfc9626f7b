import type { Kysely, Transaction } from 'kysely';
import { type Database, type DatabaseOptions, openDatabase } from './database.ts';
import { migrate, stepsOf } from './migrations/index.ts';
import type { Id, Schema } from './schema.ts';

/** What is done with each table, and the column its rows are read in the order of: those that others refer to come first. */
export const TABLES = {
  users: { is: 'copied', by: 'id' },
  roles: { is: 'copied', by: 'id' },
  role_members: { is: 'copied', by: 'id' },
  grants: { is: 'copied', by: 'id' },
  intents: { is: 'copied', by: 'id' },
  owners: { is: 'copied', by: 'id' },
  experiments: { is: 'copied', by: 'experiment_id' },
  former_grants: { is: 'copied', by: 'experiment_id' },
  audit_segments: { is: 'copied', by: 'id' },
  audit_terms: { is: 'copied', by: 'term' },
  throttles: { is: 'copied', by: 'username' },
  tokens: { is: 'copied', by: 'id' },
  identities: { is: 'copied', by: 'subject' },
  provider_sessions: { is: 'copied', by: 'session_id' },
  used_sign_ins: { is: 'copied', by: 'key' },
  sessions: { is: 'copied', by: 'id' },
  invitations: { is: 'copied', by: 'id' },
  access_requests: { is: 'copied', by: 'id' },
  // Read by all gateways on a store: the same tokens go on to count.
  keys: { is: 'replaced', by: 'name' },
  // What has changed before concerns nobody who begins to follow now.
  changes: { is: 'left' },
} as const satisfies { [T in keyof Schema]: Treatment<T> };

type Treatment<T extends keyof Schema> =
  | { readonly is: 'copied' | 'replaced'; readonly by: keyof Schema[T] }
  | { readonly is: 'left' };

type Table = keyof Schema;
type CopiedTable = { [T in Table]: (typeof TABLES)[T] extends { by: string } ? T : never }[Table];
const COPIED = (Object.keys(TABLES) as Table[]).filter(
  (table): table is CopiedTable => TABLES[table].is !== 'left',
);

/** A table whose ids the database gives out. */
type NumberedTable = { [T in Table]: Schema[T] extends { id: Id } ? T : never }[Table];

const NUMBERED: ReadonlySet<Table> = new Set(
  Object.keys({
    users: true,
    roles: true,
    role_members: true,
    grants: true,
    intents: true,
    access_requests: true,
    changes: true,
  } satisfies Record<NumberedTable, true>) as NumberedTable[],
);

/** Rows of any table, as they are. */
type Row = Readonly<Record<string, unknown>>;
type Anything = Record<Table, Record<string, unknown>>;

/** An audit log may have millions of rows: no more than a page of them is held at once. */
const ROWS_AT_ONCE = 200;

/** How many rows of each table were copied. */
export type Copied = ReadonlyMap<string, number>;

/**
 * Copies all that is in one store into another, of whatever product, and holds the copy against it. The source stays as
 * it is, and may be in use; the target is written all at once or not at all, and is of the version of the source.
 *
 * @throws Error if the source is no store, if the target holds users or is of another version, or if the copy is not the
 * same.
 */
export async function copyRows(fromUri: string, toUri: string, options: DatabaseOptions): Promise<Copied> {
  const from = await openDatabase(fromUri, options);
  try {
    const steps = await stepsOf(from.reads, from.engine);
    if (steps === undefined) {
      throw new Error(
        'What is to be copied is no store of this gateway, or one that a newer version has used. Use that version.',
      );
    }
    const to = await openDatabase(toUri, options);
    try {
      await migrate(to.writes, to.engine, steps);
      return await copyBetween(from, to);
    } finally {
      await to.close();
    }
  } finally {
    await from.close();
  }
}

function copyBetween(from: Database, to: Database): Promise<Copied> {
  // Both as of one moment.
  return inSnapshot(from, (source) =>
    to.writes.transaction().execute(async (target) => {
      await to.engine.lockForWriting(target);
      const user = await target.selectFrom('users').select('id').executeTakeFirst();
      if (user !== undefined) {
        throw new Error('The store to copy into holds users already. Name an empty one.');
      }
      const there = new Set((await source.introspection.getTables()).map(({ name }) => name));
      const copied = new Map<string, number>();
      for (const table of COPIED.filter((name) => there.has(name))) {
        copied.set(table, await copyTable(source, target, table));
      }
      for (const table of [...NUMBERED].filter((name) => there.has(name))) {
        const highest = await from.engine.highestId(source, table);
        await to.engine.continueIdsAbove(target, table, highest);
      }
      // To a user who has begun to follow the target already.
      await target.insertInto('changes').values({ user_id: null, at: 0 }).execute();
      return copied;
    }),
  );
}

function inSnapshot<T>(
  { writes, engine }: Database,
  work: (source: Transaction<Schema>) => Promise<T>,
): Promise<T> {
  const transaction = writes.transaction();
  return (
    engine.snapshot === undefined ? transaction : transaction.setIsolationLevel(engine.snapshot)
  ).execute(work);
}

async function copyTable(
  source: Kysely<Schema>,
  target: Kysely<Schema>,
  table: CopiedTable,
): Promise<number> {
  const into = target as unknown as Kysely<Anything>;
  if (TABLES[table].is === 'replaced') {
    await into.deleteFrom(table).execute();
  }
  let count = 0;
  for await (const { rows } of pagesOf(source, table)) {
    count += rows.length;
    for (let start = 0; start < rows.length; start += ROWS_AT_ONCE) {
      await into
        .insertInto(table)
        .values(rows.slice(start, start + ROWS_AT_ONCE))
        .execute();
    }
  }
  for await (const { rows, range } of pagesOf(source, table)) {
    if (textOf(await rowsOf(target, table, range)) !== textOf(rows)) {
      throw new Error(`The copy of ${table} is not the same. Nothing was written.`);
    }
  }
  return count;
}

/** Part of a table by the column that it is read in the order of; open where a bound is left out. */
interface Range {
  readonly above?: unknown;
  readonly upTo?: unknown;
}

interface Page {
  readonly range: Range;
  readonly rows: readonly Row[];
}

/** All rows of a table, once; rows that are alike in the column are in the same page. The last page has no upper bound. */
async function* pagesOf(db: Kysely<Schema>, table: CopiedTable): AsyncGenerator<Page> {
  const { by } = TABLES[table];
  let above: unknown;
  do {
    const last = await rangeOf(db, table, { above })
      .select(by)
      .orderBy(by)
      .offset(ROWS_AT_ONCE - 1)
      .limit(1)
      .executeTakeFirst();
    const range = { above, upTo: last?.[by] };
    yield { range, rows: await rowsOf(db, table, range) };
    above = range.upTo;
  } while (above !== undefined);
}

async function rowsOf(db: Kysely<Schema>, table: CopiedTable, range: Range): Promise<readonly Row[]> {
  return rangeOf(db, table, range).selectAll().orderBy(TABLES[table].by).execute();
}

function rangeOf(db: Kysely<Schema>, table: CopiedTable, { above, upTo }: Range) {
  const { by } = TABLES[table];
  return (db as unknown as Kysely<Anything>)
    .selectFrom(table)
    .$if(above !== undefined, (query) => query.where(by, '>', above))
    .$if(upTo !== undefined, (query) => query.where(by, '<=', upTo));
}

/** The same for the same rows, in whatever order a product answers rows and columns. */
const textOf = (rows: readonly Row[]): string =>
  JSON.stringify(
    rows
      .map((row) => JSON.stringify(Object.entries(row).toSorted(([one], [other]) => (one < other ? -1 : 1))))
      .toSorted(),
  );
