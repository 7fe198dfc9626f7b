import { readDatabaseUri } from '../../config/database-uri.ts';
import type { Place } from '../engine.ts';
import { postgresqlPlace } from './postgresql/place.ts';
import { sqlitePlace } from './sqlite/place.ts';

/**
 * The place that a URI names.
 *
 * @throws Error with what to write instead.
 */
export function placeOf(databaseUri: string): Place {
  const location = readDatabaseUri(databaseUri);
  switch (location.product) {
    case 'sqlite':
      return sqlitePlace(location);
    case 'postgresql':
      return postgresqlPlace(location);
  }
}
