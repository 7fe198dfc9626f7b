import Sqlite from 'better-sqlite3';

/**
 * Claims a file for this process, and makes it if it is missing. SQLite's lock on an empty file is the operating
 * system's, which ends with the process however it ends: no stale lock to clear by hand.
 *
 * @returns what gives the file back, or undefined if another process has it.
 */
export function lockFile(file: string): (() => void) | undefined {
  const database = new Sqlite(file, { timeout: 0 });
  try {
    database.exec('begin exclusive');
    return () => database.close();
  } catch (error) {
    database.close();
    if (error instanceof Sqlite.SqliteError && error.code === 'SQLITE_BUSY') {
      return undefined;
    }
    throw error;
  }
}
