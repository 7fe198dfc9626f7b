import { closeSync, openSync, rmSync } from 'node:fs';
import { uriOfFile } from '../config/database-uri.ts';
import { fileProblem } from '../config/file-problem.ts';
import { copyRows } from './copy.ts';
import { placeOf } from './engines/index.ts';

/** Only the gateway's own account may read password hashes. */
const FILE_MODE = 0o600;

/**
 * Copies a store, in use as it may be, into a new file that only its owner can read. The store stays as it is, its schema
 * included, so that a newer version can copy what an older one still uses.
 *
 * @throws Error if there is no store, or if the file exists or cannot be written.
 */
export async function backUp(databaseUri: string, file: string, clock: () => number): Promise<void> {
  const place = placeOf(databaseUri);
  makeNew(file);
  try {
    await (place.copyTo?.(file) ?? copyRows(databaseUri, uriOfFile(file), { clock }));
  } catch (error) {
    rmSync(file, { force: true });
    throw error;
  }
}

function makeNew(file: string): void {
  try {
    closeSync(openSync(file, 'wx', FILE_MODE));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EEXIST') {
      throw new Error(`${file} exists and is not overwritten. Name another file.`, { cause: error });
    }
    throw new Error(`${file} cannot be written: ${fileProblem(error, 'write')}.`, { cause: error });
  }
}
