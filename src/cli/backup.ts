import { resolve } from 'node:path';
import { describeDatabaseUri } from '../config/database-uri.ts';
import { backUp } from '../store/backup.ts';
import type { Io } from './io.ts';
import { printable } from './printable.ts';
import { requireStore } from './require-store.ts';
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
    await requireStore(config.database_uri);
    await backUp(config.database_uri, target, io.clock);
    io.stdout.write(
      `Copied ${printable(describeDatabaseUri(config.database_uri))} to ${printable(target)}.\n`,
    );
    return 0;
  });
}
