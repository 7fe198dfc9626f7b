import type { PostgresqlLocation } from '../../../config/database-uri.ts';
import type { Place } from '../../engine.ts';

/** A database on a PostgreSQL server. Its driver is loaded once it is asked: a gateway on a SQLite file never needs it. */
export function postgresqlPlace(location: PostgresqlLocation): Place {
  const { user, host, port, database } = location;
  return {
    name: `postgresql://${user}@${host}:${port}/${database}`,
    async open(options) {
      const { openPostgresql } = await import('./engine.ts');
      return openPostgresql(location, options);
    },
    async exists() {
      const { hasTables } = await import('./has-tables.ts');
      return hasTables(location);
    },
    isFile: () => false,
    checkWritable() {},
  };
}
