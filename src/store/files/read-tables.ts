import { closeSync, openSync, readSync } from 'node:fs';
import Sqlite from 'better-sqlite3';
import { fileProblem } from '../../config/file-problem.ts';

/** The tables of another program's database file. */
export interface Tables {
  has(table: string): boolean;
  /** All rows of a table that is there. */
  rows(table: string): readonly unknown[];
}

/**
 * Reads a SQLite file of another program, as of one moment and also while that runs: it is opened to be read.
 *
 * @throws Error with a sentence if the file cannot be read; what `read` throws besides.
 */
export function readTables<T>(file: string, read: (tables: Tables) => T): T {
  const source = open(file);
  try {
    return source.transaction(() => read(tablesOf(source)))();
  } catch (error) {
    if (error instanceof Sqlite.SqliteError) {
      throw new Error(`${file} cannot be read (${error.message}).`, { cause: error });
    }
    throw error;
  } finally {
    source.close();
  }
}

function tablesOf(source: Sqlite.Database): Tables {
  const names = new Set(source.prepare("select name from sqlite_master where type = 'table'").pluck().all());
  return {
    has: (table) => names.has(table),
    rows: (table) => source.prepare(`select * from "${table.replaceAll('"', '""')}"`).all(),
  };
}

function open(file: string): Sqlite.Database {
  try {
    checkReadable(file);
    return new Sqlite(file, { readonly: true, fileMustExist: true });
  } catch (error) {
    throw new Error(`${file} cannot be opened: ${fileProblem(error, 'read')}.`, { cause: error });
  }
}

/** SQLite says only that it cannot open a file; reading its first byte says why. */
function checkReadable(file: string): void {
  const descriptor = openSync(file, 'r');
  try {
    readSync(descriptor, Buffer.alloc(1));
  } finally {
    closeSync(descriptor);
  }
}
