import { join } from 'node:path';
import { uriOfFile } from '../config/database-uri.ts';
import type { LoadedConfig } from '../config/load-config.ts';
import { placeOf } from '../store/engines/index.ts';

/** Where `npm start` keeps everything, below the directory it is started in. */
export const DATA_DIRECTORY = 'data';

/** The `database_uri` of `npm start`, unless a setting says otherwise. */
export function storeOfStart(cwd: string): string {
  return uriOfFile(join(cwd, DATA_DIRECTORY, 'gateway.db'));
}

/**
 * The settings for a command on the store: where none of them says where it is, that is where `npm start` put it, if it
 * did.
 *
 * @param cwd - where the command was typed.
 * @throws Error if `npm run serve` has one there too: only the operator knows which is meant.
 */
export async function withStoreOfStart(loaded: LoadedConfig, cwd: string): Promise<LoadedConfig> {
  const { config, written } = loaded;
  const ofStart = storeOfStart(cwd);
  if (written.has('database_uri') || !(await placeOf(ofStart).exists())) {
    return loaded;
  }
  if (await placeOf(config.database_uri).exists()) {
    throw new Error(
      `There are two stores here. Say which one is meant: MLFLOW_AUTH_DATABASE_URI=${ofStart} of npm start, or MLFLOW_AUTH_DATABASE_URI=${config.database_uri} of npm run serve.`,
    );
  }
  const note = `database_uri is not set: commands take the store of npm start, while npm run serve would begin one at ${config.database_uri}.`;
  return {
    ...loaded,
    config: { ...config, database_uri: ofStart },
    warnings: [...loaded.warnings, note],
  };
}
