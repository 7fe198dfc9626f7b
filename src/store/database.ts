import { Kysely } from 'kysely';
import { readDatabaseUri } from '../config/database-uri.ts';
import type { Engine } from './engine.ts';
import { openEngine } from './engines.ts';
import type { Schema } from './schema.ts';

export interface DatabaseOptions {
  /** Milliseconds since the epoch; a database server has a clock of its own, which counts instead. */
  readonly clock: () => number;
  /** Told of each query, and how many seconds it took. */
  readonly queried?: ((seconds: number) => void) | undefined;
  /** Most connections to a database server at once; 10 unless said. */
  readonly connections?: number | undefined;
  /** How long a database server is waited for; 5 seconds unless said. */
  readonly timeoutSeconds?: number | undefined;
}

/** An open database, whatever the product. */
export interface Database {
  readonly engine: Engine;
  /** For queries outside of transactions. */
  readonly reads: Kysely<Schema>;
  /** For transactions. */
  readonly writes: Kysely<Schema>;
  /** Closing twice does nothing. */
  close(): Promise<void>;
}

const CONNECTIONS = 10;
const TIMEOUT_SECONDS = 5;

/** @throws Error with a sentence if the URI or the file it names will not do. */
export function openDatabase(
  databaseUri: string,
  { clock, queried, connections = CONNECTIONS, timeoutSeconds = TIMEOUT_SECONDS }: DatabaseOptions,
): Database {
  const engine = openEngine(readDatabaseUri(databaseUri), { clock, connections, timeoutSeconds });
  const log = queried && {
    log: ({ queryDurationMillis }: { queryDurationMillis: number }) => queried(queryDurationMillis / 1000),
  };
  const reads = new Kysely<Schema>({ dialect: engine.reads, ...log });
  const writes = engine.writes === undefined ? reads : new Kysely<Schema>({ dialect: engine.writes, ...log });
  return {
    engine,
    reads,
    writes,
    async close() {
      await engine.close();
      await reads.destroy();
      if (writes !== reads) {
        await writes.destroy();
      }
    },
  };
}
