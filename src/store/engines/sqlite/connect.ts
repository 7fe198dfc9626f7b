import { accessSync, closeSync, constants, openSync, statSync } from 'node:fs';
import Sqlite from 'better-sqlite3';
import { cannotOpen } from './cannot-open.ts';

/** How long a write waits for others that write, of this process and of others. */
export const BUSY_TIMEOUT_MILLISECONDS = 5000;

/** Only the gateway's own account may read password hashes. SQLite gives `-wal` and `-shm` the same mode. */
export const FILE_MODE = 0o600;

/**
 * Opens a SQLite file as one of this gateway's, made with mode 0600 if it is missing.
 *
 * @throws Error with a sentence, if the file cannot be opened or is not a database.
 */
export function connect(name: string): Sqlite.Database {
  try {
    return tryConnect(name);
  } catch (error) {
    throw cannotOpen(name, error);
  }
}

function tryConnect(name: string): Sqlite.Database {
  if (name !== ':memory:') {
    makeWritable(name);
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
 * Makes a file that is missing, which SQLite would let others read. One that is there is not opened: to close any
 * handle of a file takes away the locks of all connections that this process has to it.
 *
 * @see https://www.sqlite.org/howtocorrupt.html, section 2.2
 */
function makeWritable(file: string): void {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined || found.isDirectory()) {
    closeSync(openSync(file, 'a', FILE_MODE));
  } else {
    accessSync(file, constants.R_OK | constants.W_OK);
  }
}

/** Empty, or made by this gateway: another program's file is refused later, and must stay as it was. */
function isOurs(connection: Sqlite.Database): boolean {
  const tables = connection.prepare("select name from sqlite_master where type = 'table'").pluck().all();
  return tables.length === 0 || tables.includes('changes');
}
