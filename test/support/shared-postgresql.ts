import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { inject } from 'vitest';
import { listen } from './listen.ts';
import type { Answered } from './postgresql-server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Address of the broker that global-setup.ts runs. */
    postgresqlBroker: string;
  }
}

/**
 * The URI of an empty database of the caller's own, on the PostgreSQL that all test files of a run share.
 *
 * @throws Error where no PostgreSQL can be had: tests that need one fail, as a test that is left out proves nothing.
 */
export async function sharedPostgresql(): Promise<string> {
  const answer = await fetch(inject('postgresqlBroker'));
  const text = await answer.text();
  if (!answer.ok) {
    throw new Error(text);
  }
  return text;
}

/**
 * Hands on what {@link sharedPostgresql} asks to a server that is started when it is first wanted. For global-setup.ts,
 * which lives as long as the run.
 */
export async function startPostgresqlBroker(): Promise<{ url: string; close(): Promise<void> }> {
  const waiting = new Map<number, ServerResponse>();
  let asked = 0;
  let server: ChildProcess | undefined;
  const broker = createServer((_request, response) => {
    server ??= startServer(waiting);
    asked += 1;
    waiting.set(asked, response);
    server.send(asked);
  });
  const { uri: url, close } = await listen(broker);
  return {
    url,
    async close() {
      await close();
      if (server?.connected) {
        const ended = once(server, 'exit');
        server.disconnect();
        await ended;
      }
    },
  };
}

function startServer(waiting: Map<number, ServerResponse>): ChildProcess {
  const server = fork(new URL('postgresql-server.ts', import.meta.url), { stdio: 'inherit' });
  const answer = ({ id, uri, because }: Answered) => {
    waiting
      .get(id)
      ?.writeHead(uri === undefined ? 500 : 200)
      .end(uri ?? because);
    waiting.delete(id);
  };
  server.on('message', answer);
  server.on('exit', (code) => {
    for (const id of waiting.keys()) {
      answer({ id, because: `The PostgreSQL of the tests ended with ${code}.` });
    }
  });
  return server;
}
