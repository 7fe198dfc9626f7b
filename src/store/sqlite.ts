import { closeSync, openSync, statSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import Sqlite from 'better-sqlite3';
import {
  type Dialect,
  SqliteAdapter,
  type SqliteDatabase,
  SqliteDriver,
  SqliteIntrospector,
  SqliteQueryCompiler,
  sql,
} from 'kysely';
import type { DatabaseLocation } from '../config/database-uri.ts';
import { ApiError, unavailable } from '../errors.ts';
import { cannotOpen } from './cannot-open.ts';
import type { Engine, FeedSource } from './engine.ts';

/** How long a write waits for another process that is writing. */
export const BUSY_TIMEOUT_MILLISECONDS = 5000;

/** Only the gateway's own account may read password hashes. SQLite gives `-wal` and `-shm` the same mode. */
export const FILE_MODE = 0o600;

/**
 * Opens a SQLite file, made with mode 0600 if it is missing, or a database in memory.
 *
 * A file is opened twice: one connection for all queries, and one for the change feed, so that the feed
 * sees commits alone (`PRAGMA data_version` of a connection moves when *another* one commits) and never
 * a row of a transaction that may yet be rolled back.
 *
 * @throws Error with a sentence, if the file cannot be opened or is not a database.
 */
export function openSqlite(location: DatabaseLocation): Engine {
  const name = location === 'memory' ? ':memory:' : location.file;
  const main = tryConnect(name);
  const watcher = location === 'memory' ? main : tryConnect(name);
  const checkPlace = location === 'memory' ? () => {} : createPlaceCheck(location.file);
  return {
    dialect: createDialect(main, checkPlace),
    idColumn: { type: 'integer', build: (column) => column.primaryKey().autoIncrement() },
    feed: createFeedSource(watcher, checkPlace),
    eachJson: (array) => sql`json_each(${array})`,
    close: () => {
      if (watcher !== main) watcher.close();
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
  if (name !== ':memory:') closeSync(openSync(name, 'a', FILE_MODE));
  const connection = new Sqlite(name, { timeout: BUSY_TIMEOUT_MILLISECONDS });
  if (isOurs(connection)) connection.pragma('journal_mode = WAL');
  // What was answered must survive a power cut: NORMAL would lose the last commits of a WAL.
  connection.pragma('synchronous = FULL');
  connection.pragma('foreign_keys = ON');
  connection.pragma('trusted_schema = OFF');
  return connection;
}

/**
 * SQLite goes on with a file that was moved away, deleted or replaced by a backup: what was revoked in the new one
 * would still count, and what is written would be lost. Asked on the way of every request, for a microsecond or two.
 *
 * @returns a check that throws ApiError 503 when another file, or none, has the name of the one that was opened.
 */
function createPlaceCheck(file: string): () => void {
  const opened = statSync(file);
  return () => {
    const now = statSync(file, { throwIfNoEntry: false });
    if (now?.ino !== opened.ino || now.dev !== opened.dev) {
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

function createDialect(connection: Sqlite.Database, checkPlace: () => void): Dialect {
  const database: SqliteDatabase = {
    close: () => connection.close(),
    prepare: (sql) =>
      answering(() => {
        const statement = connection.prepare<unknown[]>(sql);
        return {
          reader: statement.reader,
          all: (parameters) => answering(() => statement.all(...parameters)),
          run: (parameters) => answering(() => statement.run(...parameters)),
          iterate: (parameters) => answering(() => statement.iterate(...parameters)),
        };
      }),
  };
  return {
    createDriver: () => new WaitingSqliteDriver(database, connection, checkPlace),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createAdapter: () => new TransactionalSqliteAdapter(),
    createIntrospector: (db) => new SqliteIntrospector(db),
  };
}

/**
 * Takes the write lock when a transaction begins: one that reads first and writes later fails at once if
 * another process wrote in between.
 */
class WaitingSqliteDriver extends SqliteDriver {
  readonly #connection: Sqlite.Database;
  readonly #checkPlace: () => void;

  constructor(database: SqliteDatabase, connection: Sqlite.Database, checkPlace: () => void) {
    super({ database });
    this.#connection = connection;
    this.#checkPlace = checkPlace;
  }

  override async beginTransaction(): Promise<void> {
    answering(this.#checkPlace);
    await beginImmediate(this.#connection);
  }
}

/** Waits for the write lock without holding up the event loop, as SQLite's own waiting would. */
async function beginImmediate(connection: Sqlite.Database): Promise<void> {
  let pauseMilliseconds = 1;
  let waitedMilliseconds = 0;
  while (!answering(() => tryBegin(connection))) {
    if (waitedMilliseconds >= BUSY_TIMEOUT_MILLISECONDS) {
      throw unavailable('Another process has kept the store to itself for too long.');
    }
    await setTimeout(pauseMilliseconds);
    waitedMilliseconds += pauseMilliseconds;
    pauseMilliseconds = Math.min(pauseMilliseconds * 2, 50);
  }
}

function tryBegin(connection: Sqlite.Database): boolean {
  connection.pragma('busy_timeout = 0');
  try {
    connection.exec('begin immediate');
    return true;
  } catch (error) {
    if (error instanceof Sqlite.SqliteError && error.code.startsWith('SQLITE_BUSY')) return false;
    throw error;
  } finally {
    connection.pragma(`busy_timeout = ${BUSY_TIMEOUT_MILLISECONDS}`);
  }
}

/** SQLite rolls back DDL like anything else; two processes that start together migrate one after the other. */
class TransactionalSqliteAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

function createFeedSource(connection: Sqlite.Database, checkPlace: () => void): FeedSource {
  const version = connection
    .prepare<[], number>(connection.memory ? 'select total_changes()' : 'pragma data_version')
    .pluck();
  return {
    version: () =>
      answering(() => {
        checkPlace();
        return version.get() ?? 0;
      }),
    changesFrom: (id) =>
      answering(() =>
        connection
          .prepare<[number], { id: number; user_id: number | null }>(
            'select id, user_id from changes where id >= ? order by id',
          )
          .all(id),
      ),
    newestChange: () =>
      answering(
        () => connection.prepare<[], number>('select coalesce(max(id), 0) from changes').pluck().get() ?? 0,
      ),
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
