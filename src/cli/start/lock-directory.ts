import { join } from 'node:path';
import Database from 'better-sqlite3';

/**
 * Claims a directory for this process. SQLite's lock on an empty file is the operating system's, which ends with the
 * process however it ends: no stale lock to clear by hand.
 *
 * @returns what gives the directory back, or undefined if another process has it.
 */
export function lockDirectory(directory: string): (() => void) | undefined {
  const database = new Database(join(directory, '.lock'), { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
    return () => database.close();
  } catch (error) {
    database.close();
    if (error instanceof Database.SqliteError && error.code === 'SQLITE_BUSY') {
      return undefined;
    }
    throw error;
  }
}
