import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';

/** What a client asked, as the server saw it. */
export interface Asked {
  readonly method: string | undefined;
  readonly target: string | undefined;
  readonly authorization: string | undefined;
  readonly contentType: string | undefined;
  readonly workspace?: string | undefined;
  readonly body: unknown;
}

/** What the server says: a status with an object as JSON, or with text as it is. */
export type Answer = readonly [status: number, body: object | string, headers?: Record<string, string>];

export interface FakeServer {
  readonly uri: string;
  readonly asked: Asked[];
  stop(): Promise<void>;
}

/** A server of a few answers, by `METHOD /path`; anything else is the 404 page of Flask. */
export async function startFake(
  answers: Readonly<Record<string, Answer | ((asked: Asked) => Answer)>>,
  tls?: ServerOptions,
): Promise<FakeServer> {
  const asked: Asked[] = [];
  const listener: RequestListener = async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) {
      chunks.push(chunk);
    }
    const text = Buffer.concat(chunks).toString();
    const seen: Asked = {
      method: request.method,
      target: request.url,
      authorization: request.headers.authorization,
      contentType: request.headers['content-type'],
      ...('x-mlflow-workspace' in request.headers && {
        workspace: String(request.headers['x-mlflow-workspace']),
      }),
      body: text === '' ? undefined : JSON.parse(text),
    };
    asked.push(seen);
    const answer = answers[`${seen.method} ${seen.target?.split('?')[0]}`] ?? [
      404,
      '<!doctype html><p>Not Found',
    ];
    const [status, body, headers] = typeof answer === 'function' ? answer(seen) : answer;
    response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
  };
  const server: Server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  server.listen(0, 'localhost');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    uri: `${tls === undefined ? 'http' : 'https'}://localhost:${port}`,
    asked,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
