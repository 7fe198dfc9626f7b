import { closeSync, openSync, statSync } from 'node:fs';
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
  sql,
} from 'kysely';
import { ApiError, unavailable } from '../errors.ts';
import { cannotOpen } from './cannot-open.ts';
import type { Engine, FeedReader } from './engine.ts';

/** How long a write waits for others that write, of this process and of others. */
export const BUSY_TIMEOUT_MILLISECONDS = 5000;

/** Only the gateway's own account may read password hashes. SQLite gives `-wal` and `-shm` the same mode. */
export const FILE_MODE = 0o600;

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
  const writer = tryConnect(name);
  const reader = file === undefined ? writer : tryConnect(name);
  const checkPlace = file === undefined ? () => {} : createPlaceCheck(file);
  const lane = createLane();
  const dialectOf = (connection: Sqlite.Database): Dialect => createDialect(connection, checkPlace, lane);
  return {
    reads: file === undefined ? dialectOf(writer) : createDialect(reader, checkPlace, undefined),
    ...(file !== undefined && { writes: dialectOf(writer) }),
    idColumn: { type: 'integer', build: (column) => column.primaryKey().autoIncrement() },
    eachJson: (array) => sql`json_each(${array})`,
    // https://www.sqlite.org/optoverview.html, "Disqualifying WHERE Clause Terms Using Unary +"
    unindexed: (column) => sql`+${column}`,
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

function tryConnect(name: string): Sqlite.Database {
  try {
    return connect(name);
  } catch (error) {
    throw cannotOpen(name, error);
  }
}

function connect(name: string): Sqlite.Database {
  if (name !== ':memory:') {
    closeSync(openSync(name, 'a', FILE_MODE));
  }
  const connection = new Sqlite(name, { timeout: BUSY_TIMEOUT_MILLISECONDS });
  if (isOurs(connection)) {
    connection.pragma('journal_mode = WAL');
  }
  // What was answered must survive a power cut: NORMAL would lose the last commits of a WAL.
  connection.pragma('synchronous = FULL');
  connection.pragma('foreign_keys = ON');
  connection.pragma('trusted_schema = OFF');
  return connection;
}

/**
 * SQLite goes on with a file that was moved away, deleted or replaced by a backup: what was revoked in the new one
 * would still count, and what is written would be lost. So would it be with a log of writes (`-wal`) that is no longer
 * there for a user who opens the file next. Asked on the way of every request, for a few microseconds.
 *
 * @returns a check that throws ApiError 503 when another file, or none, has the name of one that was opened.
 */
function createPlaceCheck(file: string): () => void {
  const opened = [watch(file), watch(`${file}-wal`), watch(`${file}-shm`)];
  return () => {
    for (const each of opened) {
      each();
    }
  };
}

/** Watches one file. The files beside the database are made when it is first read, and stay until it is closed. */
function watch(file: string): () => void {
  let opened = statSync(file, { throwIfNoEntry: false });
  return () => {
    const now = statSync(file, { throwIfNoEntry: false });
    opened ??= now;
    if (now?.ino !== opened?.ino || now?.dev !== opened?.dev) {
      throw unavailable(
        'The store gave no answer.',
        new Error(`${file} is not the file that was opened. Put it back, or start the gateway again.`),
      );
    }
  };
}

/** Empty, or made by this gateway: another program's file is refused later, and must stay as it was. */
function isOurs(connection: Sqlite.Database): boolean {
  const tables = connection.prepare("select name from sqlite_master where type = 'table'").pluck().all();
  return tables.length === 0 || tables.includes('changes');
}

function createDialect(connection: Sqlite.Database, checkPlace: () => void, lane: Lane | undefined): Dialect {
  const database: SqliteDatabase = {
    close: () => connection.close(),
    prepare: (text) =>
      answering(() => {
        const statement = connection.prepare<unknown[]>(text);
        return {
          reader: statement.reader,
          all: (parameters) => answering(() => statement.all(...parameters)),
          run: (parameters) => answering(() => statement.run(...parameters)),
          iterate: (parameters) => answering(() => statement.iterate(...parameters)),
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

/** Where those who share one connection wait for their turn. */
interface Lane {
  /**
   * Resolves, when it is the caller's turn, with the moment until which it may wait for other processes.
   *
   * @throws ApiError 503 if that takes too long.
   */
  enter(): Promise<number>;
  /** Ends the turn. */
  leave(): void;
}

/**
 * Each waits for its own five seconds, in the lane and for the lock together. Otherwise, while another process keeps
 * the lock, each would wait until all before it have given up.
 */
function createLane(): Lane {
  const waiting: (() => void)[] = [];
  let isTaken = false;
  return {
    enter() {
      const until = performance.now() + BUSY_TIMEOUT_MILLISECONDS;
      if (!isTaken) {
        isTaken = true;
        return Promise.resolve(until);
      }
      return new Promise((resolve, reject) => {
        const begin = () => {
          clearTimeout(timer);
          resolve(until);
        };
        const timer = globalThis.setTimeout(() => {
          waiting.splice(waiting.indexOf(begin), 1);
          reject(tooLong());
        }, BUSY_TIMEOUT_MILLISECONDS);
        waiting.push(begin);
      });
    },
    leave() {
      const next = waiting.shift();
      isTaken = next !== undefined;
      next?.();
    },
  };
}

const tooLong = () => unavailable('Others have kept the store to themselves for too long.');

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

/** On the way of every request: while nothing is committed it costs a few microseconds and no promise. */
function readFeed(connection: Sqlite.Database, checkPlace: () => void): FeedReader {
  const versionOf = connection
    .prepare<[], number>(connection.memory ? 'select total_changes()' : 'pragma data_version')
    .pluck();
  const newest = connection.prepare<[], number>('select coalesce(max(id), 0) from changes').pluck();
  const version = () => versionOf.get() ?? 0;
  let seen: number | undefined;
  return {
    newest: () =>
      answering(() => {
        seen = version();
        return newest.get() ?? 0;
      }),
    from: (id) =>
      answering(() => {
        checkPlace();
        const now = version();
        if (now === seen) {
          return 'nothing';
        }
        const rows = connection
          .prepare<[number], { id: number; user_id: number | null }>(
            'select id, user_id from changes where id >= ? order by id',
          )
          .all(id);
        // Version before rows: a commit in between is looked for once more, never missed.
        seen = now;
        return rows;
      }),
  };
}

/** Runs a statement; a database that fails is a 503, for silence never grants. */
function answering<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw error instanceof ApiError ? error : unavailable('The store gave no answer.', error);
  }
}
