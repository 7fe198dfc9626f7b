import { existsSync } from 'node:fs';
import { type DatabaseLocation, readDatabaseUri } from '../config/database-uri.ts';
import type { Engine } from './engine.ts';
import { openPostgresql, type PostgresqlOptions } from './postgresql.ts';
import { openSqlite } from './sqlite.ts';

export type EngineOptions = PostgresqlOptions & {
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
};

/** Opens the database that a URI names. */
export function openEngine(location: DatabaseLocation, options: EngineOptions): Engine {
  switch (location.product) {
    case 'sqlite':
      return openSqlite(location.file, options.clock);
    case 'postgresql':
      return openPostgresql(location, options);
  }
}

/** The file that a store is in; undefined for one that is in no file. */
export function fileOf(databaseUri: string): string | undefined {
  const location = readDatabaseUri(databaseUri);
  return location.product === 'sqlite' ? location.file : undefined;
}

/** Whether a store is in a file that is not there; a server's can only be asked. */
export function isMissingFile(databaseUri: string): boolean {
  const location = readDatabaseUri(databaseUri);
  return location.product === 'sqlite' && (location.file === undefined || !existsSync(location.file));
}
