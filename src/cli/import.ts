import { resolve } from 'node:path';
import { describeDatabaseUri, uriOfFile } from '../config/database-uri.ts';
import { generatePassword } from '../identity/generate-password.ts';
import { createPasswords } from '../identity/password.ts';
import { placeOf } from '../store/engines/index.ts';
import { openStore } from '../store/index.ts';
import { readBasicAuth } from './import/read-basic-auth.ts';
import { renderTakeover } from './import/render-takeover.ts';
import { takeOver } from './import/take-over.ts';
import type { Io } from './io.ts';
import { printable } from './printable.ts';
import { runCommand } from './run-command.ts';
import { openTrialStore } from './trial-store.ts';

export interface ImportOptions {
  /** Say what would be done, with nothing changed. */
  readonly dryRun?: boolean;
}

/**
 * `mlflow-auth-gateway import FILE`: takes users, permissions and roles from a `basic_auth.db` of MLflow 2.15.1 to
 * 3.17.2 into the store of the configuration. With `dryRun` it is done to a copy of the store, and forgotten.
 *
 * @returns the exit code: 0 also if some of it was left, 1 if the file is no such database.
 */
export function importBasicAuth(file: string, { dryRun = false }: ImportOptions, io: Io): Promise<number> {
  return runCommand(io, async ({ config }) => {
    const path = resolve(io.cwd, file);
    refuseSame(path, config.database_uri);
    const source = readBasicAuth(path);
    const passwords = createPasswords({
      rounds: config.password_rounds,
      minLength: config.min_password_length,
    });
    try {
      const opened = dryRun
        ? await openTrialStore(config.database_uri, io.clock)
        : await openStore(config.database_uri, { clock: io.clock }).then((store) => ({
            store,
            close: () => store.close(),
          }));
      try {
        const takeover = await takeOver(source, {
          store: opened.store,
          passwords,
          generatePassword: () => generatePassword(io.random),
          clock: io.clock,
        });
        io.stdout.write(
          `From ${printable(path)} into ${printable(describeDatabaseUri(config.database_uri))}:\n\n`,
        );
        io.stdout.write(renderTakeover(takeover, dryRun));
      } finally {
        await opened.close();
      }
    } finally {
      await passwords.close();
    }
    return 0;
  });
}

/** The default of database_uri is the name that MLflow gives its file too. */
function refuseSame(file: string, databaseUri: string): void {
  if (placeOf(databaseUri).isFile(file)) {
    throw new Error(
      `${file} is also what database_uri names. Set it to a file of the gateway's own, such as MLFLOW_AUTH_DATABASE_URI=${uriOfFile('gateway.db')}`,
    );
  }
}
