import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { copyRows } from '../src/store/copy.ts';
import { ROOT } from './children.ts';

/** A database of a PostgreSQL that was started for the benchmark. */
export interface Postgresql {
  readonly uri: string;
  stop(): Promise<void>;
}

/**
 * Starts the PostgreSQL that the tests run on, with a copy of a store in it; undefined where it cannot be had.
 *
 * @param database - file of the store.
 */
export async function startPostgresql(database: string): Promise<Postgresql | undefined> {
  const server = fork(join(ROOT, 'test/support/postgresql-server.ts'), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  server.send(1);
  const [answer] = (await once(server, 'message')) as [{ readonly uri?: string }];
  if (answer.uri === undefined) {
    server.disconnect();
    return undefined;
  }
  await copyRows(`sqlite:///${database}`, answer.uri, { clock: Date.now });
  return {
    uri: answer.uri,
    async stop() {
      const ended = once(server, 'exit');
      server.disconnect();
      await ended;
    },
  };
}
