import {
  type Dialect,
  PostgresAdapter,
  PostgresDialect,
  type PostgresPool,
  type PostgresPoolClient,
} from 'kysely';
import type { Pool, PoolClient } from 'pg';
import { answering, isAnswered } from './answering.ts';

/** How kysely asks a pool of connections. */
export function createDialect(pool: Pool): Dialect {
  const dialect = new PostgresDialect({ pool: honestPool(pool) });
  return {
    createDriver: () => dialect.createDriver(),
    createQueryCompiler: () => dialect.createQueryCompiler(),
    createAdapter: () => new LockedAdapter(),
    createIntrospector: (db) => dialect.createIntrospector(db),
  };
}

/** Migrations are made one process at a time by the store's own lock. */
class LockedAdapter extends PostgresAdapter {
  override async acquireMigrationLock(): Promise<void> {}
  override async releaseMigrationLock(): Promise<void> {}
}

/** A pool whose failures are ApiErrors, and which gives no connection out again that has failed. */
function honestPool(pool: Pool): PostgresPool {
  return {
    async connect() {
      const client = await answering(() => pool.connect());
      return honestClient(client);
    },
    end: () => pool.end(),
    options: pool.options,
  };
}

function honestClient(client: PoolClient): PostgresPoolClient {
  let isBroken = false;
  // Between two queries of a transaction nobody else listens.
  const noteBroken = () => {
    isBroken = true;
  };
  client.on('error', noteBroken);
  async function ask(text: unknown, parameters?: readonly unknown[]): Promise<unknown> {
    try {
      return await answering(() => client.query(String(text), [...(parameters ?? [])]));
    } catch (error) {
      isBroken ||= !isAnswered(error);
      throw error;
    }
  }
  return {
    query: ask as PostgresPoolClient['query'],
    release() {
      client.off('error', noteBroken);
      client.release(isBroken);
    },
  };
}
