import { Kysely } from 'kysely';
import type { Engine, EngineOptions } from './engine.ts';
import { placeOf } from './engines/index.ts';
import type { Schema } from './schema.ts';

/** How a database is opened: with at most 10 connections, and waited for up to 5 seconds, unless it is said otherwise. */
export interface DatabaseOptions extends Pick<EngineOptions, 'clock'> {
  /** Told of each query, and how many seconds it took. */
  readonly queried?: ((seconds: number) => void) | undefined;
  readonly connections?: number | undefined;
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
export async function openDatabase(
  databaseUri: string,
  { clock, queried, connections = CONNECTIONS, timeoutSeconds = TIMEOUT_SECONDS }: DatabaseOptions,
): Promise<Database> {
  const engine = await placeOf(databaseUri).open({ clock, connections, timeoutSeconds });
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
