import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from './free-port.ts';

/** A real MariaDB of a test file's own. */
export interface RunningMariadb {
  /** The URI of an empty database, as MLflow takes it. */
  readonly uri: string;
  close(): Promise<void>;
}

const PROGRAMS = ['mariadbd', 'mariadb-install-db', 'my_print_defaults'];

/** Whether there is no MariaDB on this machine; no package of npm brings one. */
export function isMariadbMissing(): boolean {
  return PROGRAMS.some((program) => spawnSync('which', [program]).status !== 0);
}

/** Starts a MariaDB as the distribution has it, with a database whose names are compared as it does unless told. */
export async function startMariadb(): Promise<RunningMariadb> {
  const dir = mkdtempSync(join(tmpdir(), 'mariadb-'));
  const data = join(dir, 'data');
  // It asks to be told so where it runs as root.
  const account = process.getuid?.() === 0 ? ['--user=root'] : [];
  const installed = spawnSync(
    'mariadb-install-db',
    ['--no-defaults', `--datadir=${data}`, '--skip-test-db', ...account],
    { encoding: 'utf8' },
  );
  if (installed.status !== 0) {
    throw new Error(`no MariaDB: ${installed.stderr || installed.stdout}`);
  }
  const init = join(dir, 'init.sql');
  writeFileSync(
    init,
    "CREATE DATABASE mlflow CHARACTER SET utf8mb4;\nCREATE USER mlflow@'127.0.0.1' IDENTIFIED BY 'mlflow';\nGRANT ALL ON mlflow.* TO mlflow@'127.0.0.1';\n",
  );
  const port = await freePort();
  const server = spawn(
    'mariadbd',
    [
      '--no-defaults',
      `--datadir=${data}`,
      `--socket=${join(dir, 's')}`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      '--skip-name-resolve',
      '--innodb-flush-log-at-trx-commit=0',
      `--init-file=${init}`,
      ...account,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const said: string[] = [];
  const lines = createInterface({ input: server.stderr });
  await new Promise<void>((resolve, reject) => {
    lines.on('line', (line) => {
      said.push(line);
      if (line.includes('ready for connections')) {
        resolve();
      }
    });
    server.once('exit', () => reject(new Error(`MariaDB ended: ${said.join('\n')}`)));
  });
  return {
    uri: `mysql+pymysql://mlflow:mlflow@127.0.0.1:${port}/mlflow?charset=utf8mb4`,
    async close() {
      const ended = once(server, 'exit');
      server.kill('SIGKILL');
      await ended;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
