import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IN_MEMORY, uriOfFile } from '../config/database-uri.ts';
import { backUp } from '../store/backup.ts';
import { placeOf } from '../store/engines/index.ts';
import { openStore, type Store } from '../store/index.ts';

/** A store to try things on: what is done to it, the migration of its schema included, is forgotten. */
export interface TrialStore {
  readonly store: Store;
  /** Whether it began as a copy; false if there is no store yet and it began empty. */
  readonly copied: boolean;
  close(): Promise<void>;
}

/**
 * Opens a copy of the store, or an empty one if there is none.
 *
 * @throws Error as {@link backUp} and `openStore` do.
 */
export async function openTrialStore(databaseUri: string, clock: () => number): Promise<TrialStore> {
  if (!(await placeOf(databaseUri).exists())) {
    const store = await openStore(IN_MEMORY, { clock });
    return { store, copied: false, close: () => store.close() };
  }
  const directory = mkdtempSync(join(tmpdir(), 'mlflow-auth-gateway-'));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  try {
    const copy = join(directory, 'store.db');
    await backUp(databaseUri, copy, clock);
    const store = await openStore(uriOfFile(copy), { clock });
    return {
      store,
      copied: true,
      async close() {
        await store.close();
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}
