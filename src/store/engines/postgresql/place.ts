import { Client } from 'pg';
import type { PostgresqlLocation } from '../../../config/database-uri.ts';
import type { Place } from '../../engine.ts';
import { answering } from './answering.ts';
import { clientConfig } from './client-config.ts';
import { openPostgresql } from './engine.ts';

/** How long a server is waited for that is asked whether a store is there. */
const TIMEOUT_SECONDS = 5;

/** A database on a PostgreSQL server. */
export function postgresqlPlace(location: PostgresqlLocation): Place {
  const { user, host, port, database } = location;
  return {
    name: `postgresql://${user}@${host}:${port}/${database}`,
    open: (options) => openPostgresql(location, options),
    exists: () => answering(() => hasTables(location)),
    isFile: () => false,
    checkWritable() {},
  };
}

async function hasTables(location: PostgresqlLocation): Promise<boolean> {
  const client = new Client(clientConfig(location, TIMEOUT_SECONDS));
  // The query tells.
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query("select from pg_tables where schemaname = 'public' limit 1");
    return rows.length > 0;
  } finally {
    await client.end().catch(() => undefined);
  }
}
