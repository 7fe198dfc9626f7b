import type { DatabaseLocation } from '../config/database-uri.ts';
import type { Engine } from './engine.ts';
import { openSqlite } from './sqlite.ts';

export interface EngineOptions {
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/** Opens the database that a URI names. */
export function openEngine(location: DatabaseLocation, { clock }: EngineOptions): Engine {
  return openSqlite(location === 'memory' ? undefined : location.file, clock);
}
