import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { ADMIN } from '../support/gateway.ts';
import { useGateway } from '../support/use-gateway.ts';

const { gateway, upstream } = useGateway({ fake: true });

const SIGNED_IN = `Authorization: Basic ${Buffer.from(`${ADMIN.username}:${ADMIN.password}`).toString('base64')}`;
const LOG_PARAM = '/api/2.0/mlflow/runs/log-parameter';

/** Sends these bytes on a connection of their own and answers all that comes back until it is closed. */
async function speak(bytes: string): Promise<string> {
  const { hostname, port } = new URL(gateway.url);
  const socket = connect(Number(port), hostname);
  socket.write(bytes, 'latin1');
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  socket.on('error', () => {});
  socket.setTimeout(5_000, () => socket.destroy(new Error('nobody closed it')));
  await once(socket, 'close');
  return text;
}

const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);
const request = (line: string, headers: readonly string[], body = '') =>
  [line, 'Host: gateway', SIGNED_IN, 'Connection: close', ...headers, '', body].join('\r\n');

test('a request as clients send it passes', async () => {
  const answer = await speak(request('GET /api/2.0/mlflow/experiments/get?experiment_id=1 HTTP/1.1', []));
  expect(statusOf(answer)).toBe(200);
  expect(upstream.arrived.at(-1)?.url).toBe('/api/2.0/mlflow/experiments/get?experiment_id=1');
});

test.each<[what: string, bytes: string]>([
  [
    'Content-Length and Transfer-Encoding together',
    request(`POST ${LOG_PARAM} HTTP/1.1`, ['Content-Length: 5', 'Transfer-Encoding: chunked'], '0\r\n\r\n'),
  ],
  [
    'two Content-Lengths that differ',
    request(`POST ${LOG_PARAM} HTTP/1.1`, ['Content-Length: 2', 'Content-Length: 3'], '{} '),
  ],
  [
    'two Content-Lengths that agree',
    request(`POST ${LOG_PARAM} HTTP/1.1`, ['Content-Length: 2', 'Content-Length: 2'], '{}'),
  ],
  ['a list as Content-Length', request(`POST ${LOG_PARAM} HTTP/1.1`, ['Content-Length: 2, 2'], '{}')],
  ['a sign before the Content-Length', request(`POST ${LOG_PARAM} HTTP/1.1`, ['Content-Length: +2'], '{}')],
  [
    'a transfer coding beside chunked',
    request(`POST ${LOG_PARAM} HTTP/1.1`, ['Transfer-Encoding: chunked, identity'], '0\r\n\r\n'),
  ],
  [
    'an unknown transfer coding',
    request(`POST ${LOG_PARAM} HTTP/1.1`, ['Transfer-Encoding: xchunked'], '0\r\n\r\n'),
  ],
  [
    'bare line feeds between headers',
    `GET /api/2.0/mlflow/experiments/search HTTP/1.1\nHost: gateway\n${SIGNED_IN}\nConnection: close\n\n`,
  ],
  ['a line feed inside a header', request('GET / HTTP/1.1', ['X-A: b\nX-MLFLOW-WORKSPACE: c'])],
  ['a folded header', request('GET / HTTP/1.1', ['X-A: b', ' folded'])],
  ['a blank before the colon', request('GET / HTTP/1.1', ['Content-Length : 0'])],
  ['no Host', `GET / HTTP/1.1\r\n${SIGNED_IN}\r\nConnection: close\r\n\r\n`],
  ['two Hosts', request('GET / HTTP/1.1', ['Host: other'])],
  ['the absolute form', request('GET http://gateway/api/2.0/mlflow/experiments/search HTTP/1.1', [])],
  ["another server's address", request('GET http://evil.example/ HTTP/1.1', [])],
  ['a target that starts with a backslash', request('GET /\\evil.example HTTP/1.1', [])],
  ['the asterisk form', request('OPTIONS * HTTP/1.1', [])],
  ['a fragment', request('GET /api/2.0/mlflow/experiments/search#x HTTP/1.1', [])],
  ['a raw control character in the target', request('GET /a\x01b HTTP/1.1', [])],
  ['a dot segment', request('GET /health/../api/2.0/mlflow/experiments/search HTTP/1.1', [])],
  ['an encoded slash', request('GET /api%2f2.0/mlflow/experiments/search HTTP/1.1', [])],
  ['CONNECT', request('CONNECT upstream:5000 HTTP/1.1', [])],
  ['TRACE', request('TRACE / HTTP/1.1', [])],
  ['a method that MLflow does not know', request('PROPFIND / HTTP/1.1', [])],
  [
    'an upgrade to a WebSocket',
    request('GET / HTTP/1.1', [
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ]).replace('Connection: close', 'Connection: Upgrade'),
  ],
  ['HTTP/2 by prior knowledge', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  [
    'a GET with a body beside its query',
    request('GET /api/2.0/mlflow/experiments/get?experiment_id=1 HTTP/1.1', ['Content-Length: 2'], '{}'),
  ],
  ['a GET of what no row knows, with a body', request('GET /x HTTP/1.1', ['Content-Length: 2'], '{}')],
  ['a GET with a body that is no object', request('GET / HTTP/1.1', ['Content-Length: 2'], '[]')],
  [
    'a HEAD with a chunked body that is no object',
    request('HEAD / HTTP/1.1', ['Transfer-Encoding: chunked'], '2\r\n[]\r\n0\r\n\r\n'),
  ],
  ...[
    'content-encoding',
    'Content-Type',
    'content-length',
    'transfer-encoding',
    'x-mlflow-experiment-id',
    'host',
    'authorization',
    'x-forwarded-for',
    'accept',
    'x-whatever',
  ].map((name): [string, string] => [
    `a Connection that names ${name}`,
    request('GET /api/2.0/mlflow/experiments/get?experiment_id=1 HTTP/1.1', [`Connection: ${name}`]),
  ]),
  ['more headers than any client sends', request('GET / HTTP/1.1', [`X-Long: ${'a'.repeat(64 * 1024)}`])],
])('refuses %s, and the upstream sees nothing of it', async (_what, bytes) => {
  const before = upstream.arrived.length;
  const answer = await speak(bytes);
  // No status at all where the connection is closed at once.
  if (answer !== '') {
    expect(statusOf(answer)).toBeOneOf([400, 404, 405, 431, 501]);
  }
  expect(upstream.arrived.length).toBe(before);
});

test('what follows a refused request on the same connection is not read', async () => {
  const smuggled = request('GET /api/2.0/mlflow/experiments/get?experiment_id=666 HTTP/1.1', []);
  const answer = await speak(
    request(
      `POST ${LOG_PARAM} HTTP/1.1`,
      ['Content-Length: 4', 'Transfer-Encoding: chunked'],
      `0\r\n\r\n${smuggled}`,
    ),
  );
  expect(answer.match(/HTTP\/1\.1/g)?.length ?? 0).toBeLessThan(2);
  expect(upstream.arrived.map(({ url }) => url).join()).not.toContain('666');
});

test('an offer to speak HTTP/2 or TLS is left unanswered and goes no further', async () => {
  for (const protocol of ['h2c', 'TLS/1.2']) {
    const answer = await speak(
      request('GET /api/2.0/mlflow/experiments/get?experiment_id=1 HTTP/1.1', [
        `Upgrade: ${protocol}`,
        'HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA',
      ]).replace('Connection: close', 'Connection: close, Upgrade, HTTP2-Settings'),
    );
    expect(statusOf(answer)).toBe(200);
    const names = Object.keys(upstream.arrived.at(-1)?.headers ?? {});
    expect(names).not.toContain('upgrade');
    expect(names).not.toContain('http2-settings');
  }
});

test.each([
  'close, TE',
  'Keep-Alive, close',
  'close, Upgrade, HTTP2-Settings',
  'close, Proxy-Connection',
  ',close',
])('Connection: %s passes, as clients and proxies send it', async (connection) => {
  const answer = await speak(
    request('GET /api/2.0/mlflow/experiments/get?experiment_id=1 HTTP/1.1', [
      'TE: trailers',
      'Proxy-Connection: keep-alive',
    ]).replace('Connection: close', `Connection: ${connection}`),
  );
  expect(statusOf(answer)).toBe(200);
  const names = Object.keys(upstream.arrived.at(-1)?.headers ?? {});
  expect(names).not.toContain('te');
  expect(names).not.toContain('proxy-connection');
});

test('OPTIONS is answered by the gateway, without credentials', async () => {
  const before = upstream.arrived.length;
  const answer = await gateway.anonymous.send('OPTIONS', '/api/2.0/mlflow/experiments/search');
  expect(answer.status).toBe(204);
  expect(answer.headers['allow']).toContain('POST');
  expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  expect(upstream.arrived.length).toBe(before);
});

test('one connection carries one request after the other', async () => {
  const first = request('GET /api/2.0/mlflow/experiments/get?experiment_id=1 HTTP/1.1', []).replace(
    'Connection: close\r\n',
    '',
  );
  const answer = await speak(first + request('GET /health HTTP/1.1', []));
  expect(answer.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
});
