import { placeOf } from '../store/engines/index.ts';

/**
 * A command that mends a store must not make another beside it.
 *
 * @throws Error with where it was looked for, if there is none.
 */
export async function requireStore(databaseUri: string): Promise<void> {
  const place = placeOf(databaseUri);
  if (!(await place.exists())) {
    throw new Error(
      `There is no store at ${place.name}. Set database_uri (MLFLOW_AUTH_DATABASE_URI) to the one that the gateway uses.`,
    );
  }
}
