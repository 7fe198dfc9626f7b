import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { refused } from '../failure.ts';

/** What a browser has brought back from the gateway. */
export interface Brought {
  /** Undefined where the user has allowed nothing. */
  readonly code: string | undefined;
  /** Says in the browser what came of it. */
  answer(text: string): Promise<void>;
}

/** A place on this machine that the gateway sends a browser to (RFC 8252, section 7.3). */
export interface Loopback {
  readonly redirectUri: string;
  /** @throws CommandFailure (exit code 1) if nobody comes in time. */
  readonly brought: Promise<Brought>;
  close(): void;
}

const PATH = '/signed-in';

/**
 * Listens at a free port of 127.0.0.1.
 *
 * @param state - what comes without it was not asked for by this command, and is told nothing.
 * @param withinMs - how long to wait.
 */
export async function openLoopback(state: string, withinMs: number): Promise<Loopback> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const host = `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  const { promise, resolve, reject } = Promise.withResolvers<Brought>();
  const timer = setTimeout(() => reject(tooLate(withinMs)), withinMs);
  server.on('request', (request, response) => {
    const query = queryOf(request, host);
    if (query?.get('state') !== state) {
      send(response, 404, 'There is nothing here.');
      return;
    }
    clearTimeout(timer);
    resolve({
      code: query.get('code') ?? undefined,
      answer: (text) => send(response, 200, text),
    });
  });
  return {
    redirectUri: `http://${host}${PATH}`,
    brought: promise,
    close() {
      clearTimeout(timer);
      server.close();
      server.closeAllConnections();
    },
  };
}

/** What a request brings; undefined for any other than that of the gateway's page: another name for this machine is one of another site. */
function queryOf({ method, url = '', headers }: IncomingMessage, host: string): URLSearchParams | undefined {
  const read = URL.parse(url, `http://${host}`);
  return method === 'GET' && headers.host === host && read?.pathname === PATH ? read.searchParams : undefined;
}

async function send(response: ServerResponse, status: number, text: string): Promise<void> {
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    connection: 'close',
  });
  await new Promise<void>((done) => {
    response.once('close', done);
    response.end(text);
  });
}

const tooLate = (ms: number) =>
  refused(
    `Nobody has allowed it within ${Math.round(ms / 60_000)} minutes. Where the browser is on another machine, type mlflow-auth-client login --no-browser.`,
  );
