import type { Kysely, Transaction } from 'kysely';
import { type Database, type DatabaseOptions, openDatabase } from './database.ts';
import { migrate, stepsOf } from './migrations/index.ts';
import type { Id, Schema } from './schema.ts';

/** What is done with each table: those that others refer to come first. */
export const TABLES = {
  users: 'copied',
  roles: 'copied',
  role_members: 'copied',
  grants: 'copied',
  intents: 'copied',
  owners: 'copied',
  experiments: 'copied',
  former_grants: 'copied',
  audit: 'copied',
  audit_resources: 'copied',
  throttles: 'copied',
  tokens: 'copied',
  // Read by all gateways on a store: the same tokens go on to count.
  keys: 'replaced',
  // What has changed before concerns nobody who begins to follow now.
  changes: 'left',
} as const satisfies Record<keyof Schema, 'copied' | 'replaced' | 'left'>;

type Table = keyof Schema;
const COPIED = (Object.keys(TABLES) as Table[]).filter((table) => TABLES[table] !== 'left');

/** A table whose ids the database gives out. */
type NumberedTable = { [T in Table]: Schema[T] extends { id: Id } ? T : never }[Table];

const NUMBERED: ReadonlySet<Table> = new Set(
  Object.keys({
    users: true,
    roles: true,
    role_members: true,
    grants: true,
    intents: true,
    changes: true,
  } satisfies Record<NumberedTable, true>) as NumberedTable[],
);

/** Rows of any table, as they are. */
type Row = Readonly<Record<string, unknown>>;
type Anything = Record<Table, Record<string, unknown>>;

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
  const from = openDatabase(fromUri, options);
  try {
    const steps = await stepsOf(from.reads, from.engine);
    if (steps === undefined) {
      throw new Error(
        'What is to be copied is no store of this gateway, or one that a newer version has used. Use that version.',
      );
    }
    const to = openDatabase(toUri, options);
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
      for (const table of NUMBERED) {
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

async function copyTable(source: Kysely<Schema>, target: Kysely<Schema>, table: Table): Promise<number> {
  const rows = await rowsOf(source, table);
  const into = target as unknown as Kysely<Anything>;
  if (TABLES[table] === 'replaced') {
    await into.deleteFrom(table).execute();
  }
  for (let start = 0; start < rows.length; start += ROWS_AT_ONCE) {
    await into
      .insertInto(table)
      .values(rows.slice(start, start + ROWS_AT_ONCE))
      .execute();
  }
  const read = await rowsOf(target, table);
  const isSame =
    read.length === rows.length && read.every((row, index) => textOf(row) === textOf(rows[index]));
  if (!isSame) {
    throw new Error(`The copy of ${table} is not the same. Nothing was written.`);
  }
  return rows.length;
}

/** Every row of a table, in an order that is the same for every product. */
async function rowsOf(db: Kysely<Schema>, table: Table): Promise<readonly Row[]> {
  const rows = await (db as unknown as Kysely<Anything>).selectFrom(table).selectAll().execute();
  return NUMBERED.has(table)
    ? rows.toSorted((one, other) => Number(one['id']) - Number(other['id']))
    : rows.toSorted((one, other) => (textOf(one) < textOf(other) ? -1 : 1));
}

const textOf = (row: Row | undefined): string =>
  JSON.stringify(Object.entries(row ?? {}).toSorted(([one], [other]) => (one < other ? -1 : 1)));
