import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Listens for a moment, so that a port that cannot be had is known before anything slow is started.
 *
 * @throws the error of `listen`, with its code, address and port.
 */
export async function checkPort(address: { host: string; port: number }): Promise<void> {
  const server = createServer();
  server.listen(address);
  await once(server, 'listening');
  server.close();
  await once(server, 'close');
}
