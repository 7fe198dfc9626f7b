import { closeSync, existsSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { describeDatabaseUri, readDatabaseUri } from '../config/database-uri.ts';
import { fileProblem } from '../config/file-problem.ts';
import { cannotOpen } from '../store/cannot-open.ts';
import { copyRows } from '../store/copy.ts';
import { openStore, type Store } from '../store/index.ts';
import { BUSY_TIMEOUT_MILLISECONDS, FILE_MODE } from '../store/sqlite.ts';

/** The file of the store, whether it exists or not; undefined for a store that is in none. */
export function fileOfStore(databaseUri: string): string | undefined {
  const location = readDatabaseUri(databaseUri);
  return location.product === 'sqlite' ? location.file : undefined;
}

/** Whether the store is kept by a server, which alone can say whether it is there. */
function isOnServer(databaseUri: string): boolean {
  return readDatabaseUri(databaseUri).product !== 'sqlite';
}

/**
 * A command that mends a store must not make another beside it.
 *
 * @returns the file of the store.
 * @throws Error with where it was looked for.
 */
export function requireStore(databaseUri: string): string {
  if (isOnServer(databaseUri)) {
    return describeDatabaseUri(databaseUri);
  }
  const file = fileOfStore(databaseUri);
  if (file !== undefined && existsSync(file)) {
    return file;
  }
  throw new Error(
    `There is no store at ${file ?? databaseUri}. Set database_uri (MLFLOW_AUTH_DATABASE_URI) to the one that the gateway uses.`,
  );
}

/**
 * Copies the store, in use as it may be, into a new file that only its owner can read. The store is opened to be
 * read and stays as it is, its schema included, so that a newer version can copy what an older one still uses.
 *
 * @throws Error if there is no store, or if the file exists or cannot be written.
 */
export async function copyStore(databaseUri: string, file: string): Promise<void> {
  if (isOnServer(databaseUri)) {
    makeNew(file);
    try {
      await copyRows(databaseUri, `sqlite:///${file}`, { clock: Date.now });
    } catch (error) {
      rmSync(file, { force: true });
      throw error;
    }
    return;
  }
  const source = openToRead(requireStore(databaseUri));
  try {
    makeNew(file);
    try {
      await source.backup(file);
    } catch (error) {
      rmSync(file, { force: true });
      throw error;
    }
  } finally {
    source.close();
  }
}

/** A store to try things on: what is done to it, the migration of its schema included, is forgotten. */
export interface TrialStore {
  readonly store: Store;
  /** Whether it began as a copy; false if there is no store yet and it began empty. */
  readonly copied: boolean;
  close(): Promise<void>;
}

/**
 * Opens a copy of the store, or an empty one if there is none.
 *
 * @throws Error as {@link copyStore} and `openStore` do.
 */
export async function openTrialStore(databaseUri: string, clock: () => number): Promise<TrialStore> {
  const file = fileOfStore(databaseUri);
  if (!isOnServer(databaseUri) && (file === undefined || !existsSync(file))) {
    const store = await openStore('sqlite://', { clock });
    return { store, copied: false, close: () => store.close() };
  }
  const directory = mkdtempSync(join(tmpdir(), 'mlflow-auth-gateway-'));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  try {
    const copy = join(directory, 'store.db');
    await copyStore(databaseUri, copy);
    const store = await openStore(`sqlite:///${copy}`, { clock });
    return {
      store,
      copied: true,
      async close() {
        await store.close();
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}

function openToRead(file: string): Sqlite.Database {
  let database: Sqlite.Database | undefined;
  try {
    closeSync(openSync(file, 'r'));
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

function makeNew(file: string): void {
  try {
    closeSync(openSync(file, 'wx', FILE_MODE));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EEXIST') {
      throw new Error(`${file} exists and is not overwritten. Name another file.`, { cause: error });
    }
    throw new Error(`${file} cannot be written: ${fileProblem(error, 'write')}.`, { cause: error });
  }
}
