import { Client } from 'pg';
import type { PostgresqlLocation } from '../../../config/database-uri.ts';
import { answering } from './answering.ts';
import { clientConfig } from './client-config.ts';

/** How long a server is waited for that is asked whether a store is there. */
const TIMEOUT_SECONDS = 5;

/**
 * Whether a database has any table.
 *
 * @throws ApiError 503 if its server does not answer.
 */
export function hasTables(location: PostgresqlLocation): Promise<boolean> {
  return answering(async () => {
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
  });
}
