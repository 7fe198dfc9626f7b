import { setTimeout } from 'node:timers/promises';
import Sqlite from 'better-sqlite3';
import {
  type DatabaseConnection,
  type Dialect,
  SqliteAdapter,
  type SqliteDatabase,
  SqliteDriver,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { answering } from './answering.ts';
import { BUSY_TIMEOUT_MILLISECONDS } from './connect.ts';
import { type Lane, tooLong } from './lane.ts';

/**
 * How kysely asks a connection.
 *
 * @param lane - where transactions wait for their turn; undefined for a connection that is only read.
 */
export function createDialect(
  connection: Sqlite.Database,
  checkPlace: () => void,
  lane: Lane | undefined,
): Dialect {
  const prepare = createPrepare(connection);
  const database: SqliteDatabase = {
    close: () => connection.close(),
    prepare: (text) =>
      answering(() => {
        const statement = prepare(text);
        return {
          reader: statement.reader,
          all: (parameters) => answering(() => statement.all(parameters)),
          run: (parameters) => answering(() => statement.run(parameters)),
          // A statement of its own, as another query of the same text may be asked before all its rows are read.
          iterate: (parameters) => answering(() => connection.prepare<unknown[]>(text).iterate(parameters)),
        };
      }),
  };
  return {
    createDriver: () =>
      lane === undefined
        ? new SqliteDriver({ database })
        : new LaneDriver(database, connection, checkPlace, lane),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createAdapter: () => new LaneAdapter(),
    createIntrospector: (db) => new SqliteIntrospector(db),
  };
}

/** Statements that are kept ready: more than there are queries in the store. */
const MOST_PREPARED = 500;

/** Prepares each statement once; SQLite itself prepares it anew when the schema has changed. */
function createPrepare(connection: Sqlite.Database): (text: string) => Sqlite.Statement<unknown[]> {
  const prepared = new Map<string, Sqlite.Statement<unknown[]>>();
  return (text) => {
    const known = prepared.get(text);
    if (known !== undefined) {
      return known;
    }
    if (prepared.size >= MOST_PREPARED) {
      prepared.clear();
    }
    const statement = connection.prepare<unknown[]>(text);
    prepared.set(text, statement);
    return statement;
  };
}

/**
 * Takes the write lock when a transaction begins: one that reads first and writes later fails at once if another
 * process wrote in between.
 */
class LaneDriver extends SqliteDriver {
  readonly #connection: Sqlite.Database;
  readonly #checkPlace: () => void;
  readonly #lane: Lane;
  #until = 0;

  constructor(database: SqliteDatabase, connection: Sqlite.Database, checkPlace: () => void, lane: Lane) {
    super({ database });
    this.#connection = connection;
    this.#checkPlace = checkPlace;
    this.#lane = lane;
  }

  override async acquireConnection(): Promise<DatabaseConnection> {
    this.#until = await this.#lane.enter();
    return super.acquireConnection();
  }

  override async beginTransaction(): Promise<void> {
    answering(this.#checkPlace);
    await beginImmediate(this.#connection, this.#until);
  }

  override async releaseConnection(): Promise<void> {
    this.#lane.leave();
  }
}

/** Waits for the write lock without holding up the event loop, as SQLite's own waiting would. */
async function beginImmediate(connection: Sqlite.Database, until: number): Promise<void> {
  let pauseMilliseconds = 1;
  while (!answering(() => tryBegin(connection))) {
    if (performance.now() >= until) {
      throw tooLong();
    }
    await setTimeout(pauseMilliseconds);
    pauseMilliseconds = Math.min(pauseMilliseconds * 2, 50);
  }
}

function tryBegin(connection: Sqlite.Database): boolean {
  connection.pragma('busy_timeout = 0');
  try {
    connection.exec('begin immediate');
    return true;
  } catch (error) {
    if (error instanceof Sqlite.SqliteError && error.code.startsWith('SQLITE_BUSY')) {
      return false;
    }
    throw error;
  } finally {
    connection.pragma(`busy_timeout = ${BUSY_TIMEOUT_MILLISECONDS}`);
  }
}

/** SQLite rolls back DDL like anything else; two processes that start together migrate one after the other. */
class LaneAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }

  /** Kysely's own would let only one query of a Kysely run at a time, and wait for it without end. */
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}
