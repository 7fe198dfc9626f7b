import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { createUpstream } from '../../../src/mlflow/upstream/upstream.ts';

test.each([
  ['over one connection with keepAlive', true, 1],
  ['over one each without', false, 3],
])('three requests go %s', async (_how, keepAlive, expected) => {
  let connections = 0;
  const server = createServer((_request, response) => response.end('{}'));
  server.on('connection', () => {
    connections += 1;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const upstream = createUpstream({ uri, timeoutSeconds: 5, connections: 1, keepAlive, clock: Date.now });
  for (const target of ['/a', '/b', '/c']) {
    await upstream.exchange({ method: 'GET', target });
  }
  await upstream.close();
  server.close();
  expect(connections).toBe(expected);
});
