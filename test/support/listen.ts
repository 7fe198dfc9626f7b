import { once } from 'node:events';
import type { Server } from 'node:http';
import { Server as HttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** Where a server of a test listens, and how it ends. */
export interface Listening {
  readonly uri: string;
  /** Ends connections that are still open too. */
  close(): Promise<void>;
}

/** Has a server listen on a port of this machine that is free. */
export async function listen(server: Server | HttpsServer): Promise<Listening> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    uri: `${server instanceof HttpsServer ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
