import { connect } from 'node:net';

/** A request as it is written on the wire: nothing of it is tidied, as URL and HTTP clients do. */
export interface RawRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
}

const TIMEOUT_MS = 20_000;

/**
 * Sends a request on a connection of its own.
 *
 * @returns every byte of the answer, head and body, as Latin-1 text; empty if the connection was just closed.
 */
export function sendRaw(url: string, { method, target, headers, body }: RawRequest): Promise<string> {
  const { hostname, port } = new URL(url);
  const lines = Object.entries({
    host: `${hostname}:${port}`,
    connection: 'close',
    ...headers,
    ...(body !== undefined && { 'content-length': String(body.length) }),
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`, 'utf8');
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(Number(port), hostname);
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error(`no answer to ${method} ${target}`)));
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
    socket.write(body === undefined ? head : Buffer.concat([head, body]));
  });
}

/** The status of an answer; undefined if there is none. */
export function statusOf(answer: string): number | undefined {
  const status = /^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1];
  return status === undefined ? undefined : Number(status);
}
