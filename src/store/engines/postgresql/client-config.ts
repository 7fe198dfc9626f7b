import { type ClientConfig, types } from 'pg';
import type { PostgresqlLocation } from '../../../config/database-uri.ts';

/** Bigints are read as numbers: ids and moments stay far below 2^53. */
const TYPES: NonNullable<ClientConfig['types']> = {
  getTypeParser: ((oid: number, format?: 'text') =>
    oid === types.builtins.INT8 ? Number : types.getTypeParser(oid, format)) as typeof types.getTypeParser,
};

/** What every connection is made with. */
export function clientConfig(location: PostgresqlLocation, timeoutSeconds: number): ClientConfig {
  const timeoutMs = timeoutSeconds * 1000;
  const { host, port, user, password, database, ssl } = location;
  return {
    host,
    port,
    user,
    database,
    ...(password !== undefined && { password: password.reveal() }),
    ssl,
    types: TYPES,
    application_name: 'mlflow-auth-gateway',
    keepAlive: true,
    connectionTimeoutMillis: timeoutMs,
    // The server's own limits end first, so that it does not go on with what nobody waits for.
    statement_timeout: timeoutMs,
    lock_timeout: timeoutMs,
    idle_in_transaction_session_timeout: 2 * timeoutMs,
    query_timeout: timeoutMs + 500,
  };
}
