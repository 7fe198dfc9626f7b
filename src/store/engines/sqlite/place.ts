import { accessSync, constants, existsSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import Sqlite from 'better-sqlite3';
import type { SqliteLocation } from '../../../config/database-uri.ts';
import type { Place } from '../../engine.ts';
import { cannotOpen } from './cannot-open.ts';
import { BUSY_TIMEOUT_MILLISECONDS } from './connect.ts';
import { openSqlite } from './engine.ts';

/** A SQLite file, or a database in memory, which is there for as long as it is open. */
export function sqlitePlace({ file }: SqliteLocation): Place {
  const open: Place['open'] = async ({ clock }) => openSqlite(file, clock);
  if (file === undefined) {
    return { name: 'memory', open, exists: async () => false, isFile: () => false, checkWritable() {} };
  }
  return {
    name: file,
    open,
    exists: async () => existsSync(file),
    isFile: (other) => existsSync(other) && existsSync(file) && realpathSync(other) === realpathSync(file),
    checkWritable() {
      try {
        accessSync(existsSync(file) ? file : dirname(file), constants.R_OK | constants.W_OK);
      } catch (error) {
        throw cannotOpen(file, error);
      }
    },
    copyTo: (target) => copy(file, target),
  };
}

async function copy(file: string, target: string): Promise<void> {
  const source = openToRead(file);
  try {
    await source.backup(target);
  } finally {
    source.close();
  }
}

function openToRead(file: string): Sqlite.Database {
  let database: Sqlite.Database | undefined;
  try {
    // SQLite itself says only that it cannot open a file, and of a directory that the disk fails.
    accessSync(file, constants.R_OK);
    if (statSync(file).isDirectory()) {
      throw new Error('it is a directory');
    }
    database = new Sqlite(file, { readonly: true, fileMustExist: true, timeout: BUSY_TIMEOUT_MILLISECONDS });
    const ours = database.prepare("select 1 from sqlite_master where name = 'kysely_migration'").get();
    // A copy that cannot be opened again is none.
    if (ours === undefined) {
      throw new Error('it is not a store of this gateway');
    }
    return database;
  } catch (error) {
    database?.close();
    throw cannotOpen(file, error);
  }
}
