import { resolve } from 'node:path';
import { describeDatabaseUri } from '../config/database-uri.ts';
import { copyStore } from './copy-store.ts';
import type { Io } from './io.ts';
import { printable } from './printable.ts';
import { runCommand } from './run-command.ts';

/**
 * `mlflow-auth-gateway backup FILE`: a consistent copy of the store, also while the gateway runs. An existing file
 * is never overwritten.
 *
 * @returns the exit code.
 */
export function backup(file: string, io: Io): Promise<number> {
  return runCommand(io, async ({ config }) => {
    const target = resolve(io.cwd, file);
    await copyStore(config.database_uri, target);
    io.stdout.write(
      `Copied ${printable(describeDatabaseUri(config.database_uri))} to ${printable(target)}.\n`,
    );
    return 0;
  });
}
