import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type NetConnectOpts, type Socket } from 'node:net';

/** A TCP port in front of a server, which does to connections what networks do. */
export interface Relay {
  readonly port: number;
  /** Passes nothing on any more, in no direction, and says nothing of it: a network that is parted. */
  stall(): void;
  /** Passes everything on again, what came meanwhile too. */
  resume(): void;
  /** Breaks off every connection. */
  cut(): void;
  /** Where connections go from now on. */
  retarget(to: NetConnectOpts): void;
  close(): Promise<void>;
}

export async function startRelay(to: NetConnectOpts): Promise<Relay> {
  const open = new Set<Socket>();
  let target = to;
  let stalled = false;
  const server = createServer({ noDelay: true }, (client) => {
    const there = connect(target);
    for (const [from, into] of [
      [client, there],
      [there, client],
    ] as const) {
      open.add(from);
      from.on('data', (chunk) => into.write(chunk));
      from.on('end', () => into.end());
      from.on('error', () => into.destroy());
      from.on('close', () => {
        open.delete(from);
        into.destroy();
      });
      if (stalled) {
        from.pause();
      }
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    for (const socket of open) {
      socket.destroy();
    }
  };
  return {
    port: (server.address() as AddressInfo).port,
    stall() {
      stalled = true;
      for (const socket of open) {
        socket.pause();
      }
    },
    resume() {
      stalled = false;
      for (const socket of open) {
        socket.resume();
      }
    },
    cut,
    retarget(next) {
      target = next;
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      cut();
      await closed;
    },
  };
}
