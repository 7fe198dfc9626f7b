import { sql } from 'kysely';
import { Pool } from 'pg';
import type { PostgresqlLocation } from '../../../config/database-uri.ts';
import type { Engine, EngineOptions } from '../../engine.ts';
import { clientConfig } from './client-config.ts';
import { createDialect } from './dialect.ts';
import { createFeed, type PostgresqlFeed } from './feed.ts';
import { insertRows } from './insert-rows.ts';

/** Of our own among the advisory locks of a database: "mlflow" in the bytes of its letters. */
const WRITE_LOCK = 0x6d6c666c6f77;

const NOW = sql<number>`(extract(epoch from clock_timestamp()) * 1000)::bigint`;

/** Opens a PostgreSQL database; nothing is connected before the first query. */
export function openPostgresql(
  location: PostgresqlLocation,
  { connections, timeoutSeconds }: Omit<EngineOptions, 'clock'>,
): Engine {
  const config = clientConfig(location, timeoutSeconds);
  const pool = new Pool({ ...config, max: connections, idleTimeoutMillis: 30_000 });
  // A connection that breaks while nobody uses it is taken out of the pool; a user who uses one is told by the query.
  pool.on('error', () => undefined);
  const feeds = new Set<PostgresqlFeed>();
  return {
    reads: createDialect(pool),
    idColumn: {
      type: 'bigint',
      build: (column) => column.generatedByDefaultAsIdentity().primaryKey(),
    },
    idReference: 'bigint',
    // Neither a locale nor a version of its rules says what is equal, or which comes first.
    text: sql`text collate "C"`,
    now: () => NOW,
    insertRows,
    keptByKey: sql``,
    snapshot: 'repeatable read',
    // A query tells.
    check() {},
    isInTheWay: ({ schema }) => schema === 'public',
    async lockForWriting(transaction) {
      await sql`select pg_advisory_xact_lock(${sql.lit(WRITE_LOCK)})`.execute(transaction);
    },
    followFeed() {
      const feed = createFeed(config);
      feeds.add(feed);
      return feed;
    },
    async continueIdsAbove(transaction, table, id) {
      if (id > 0) {
        await sql`select setval(pg_get_serial_sequence(${table}, 'id'), ${id})`.execute(transaction);
      }
    },
    async highestId(transaction, table) {
      const { rows } = await sql<{ last: number | null }>`
        select pg_sequence_last_value(pg_get_serial_sequence(${table}, 'id')::regclass) as last`.execute(
        transaction,
      );
      return rows[0]?.last ?? 0;
    },
    async close() {
      await Promise.all([...feeds].map((feed) => feed.close()));
    },
  };
}
