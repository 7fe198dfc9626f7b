import type Sqlite from 'better-sqlite3';
import { type Dialect, sql } from 'kysely';
import type { Engine } from '../../engine.ts';
import { answering } from './answering.ts';
import { connect } from './connect.ts';
import { createDialect } from './dialect.ts';
import { readFeed } from './feed.ts';
import { insertRows } from './insert-rows.ts';
import { createLane } from './lane.ts';
import { createPlaceCheck } from './place-check.ts';

/**
 * Opens a SQLite file, made with mode 0600 if it is missing, or a database in memory.
 *
 * A file is opened twice: one connection for what writes, and one for all else, so that a query never waits for a write
 * that waits for its turn, and never sees a row that may yet be rolled back. The second one tells of commits as well
 * (`PRAGMA data_version` of a connection moves when *another* one commits).
 *
 * @param file - undefined for a database in memory.
 * @param clock - milliseconds since the epoch. All gateways on a file are on one machine.
 * @throws Error with a sentence, if the file cannot be opened or is not a database.
 */
export function openSqlite(file: string | undefined, clock: () => number): Engine {
  const name = file ?? ':memory:';
  const reader = connect(name);
  const writer = file === undefined ? reader : connectAgain(name, reader);
  const checkPlace = file === undefined ? () => {} : createPlaceCheck(file, clock);
  const lane = createLane();
  const dialectOf = (connection: Sqlite.Database): Dialect => createDialect(connection, checkPlace, lane);
  return {
    reads: file === undefined ? dialectOf(writer) : createDialect(reader, checkPlace, undefined),
    ...(file !== undefined && { writes: dialectOf(writer) }),
    idColumn: { type: 'integer', build: (column) => column.primaryKey().autoIncrement() },
    insertRows,
    // https://www.sqlite.org/withoutrowid.html: one B-tree in place of two.
    keptByKey: sql`without rowid`,
    idReference: 'integer',
    text: 'text',
    now: () => sql.val(clock()),
    isInTheWay: () => true,
    // A transaction begins with it.
    lockForWriting: async () => {},
    check: () => answering(checkPlace),
    followFeed: () => readFeed(reader, checkPlace),
    async continueIdsAbove(transaction, table, id) {
      await sql`delete from sqlite_sequence where name = ${table}`.execute(transaction);
      await sql`insert into sqlite_sequence (name, seq) values (${table}, ${id})`.execute(transaction);
    },
    async highestId(transaction, table) {
      const { rows } = await sql<{
        seq: number;
      }>`select seq from sqlite_sequence where name = ${table}`.execute(transaction);
      return rows[0]?.seq ?? 0;
    },
    // Kysely closes only what it has used.
    async close() {
      reader.close();
      writer.close();
    },
  };
}

/** Opens a file once more; what was opened first is not left open if that fails. */
function connectAgain(name: string, first: Sqlite.Database): Sqlite.Database {
  try {
    return connect(name);
  } catch (error) {
    first.close();
    throw error;
  }
}
