import type { Socket } from 'node:net';

export interface SlowReadersOptions {
  readonly sockets: () => Iterable<Socket>;
  /** The least that a client takes of an answer that waits for it. */
  readonly bytesPerSecond: number;
  /** The shortest time that a client is given, in milliseconds. */
  readonly timeoutMs: number;
}

export interface SlowReaders {
  stop(): void;
}

/** How much may be written to a socket before it is seen that a client takes any of it. */
const PIECE_BYTES = 256 * 1024;

/**
 * Closes connections whose clients take what waits for them more slowly than is allowed. Node's own timeout begins anew
 * with each byte: a client that takes one now and then would keep an answer, and a request at the upstream, for ever.
 */
export function closeSlowReaders({ sockets, bytesPerSecond, timeoutMs }: SlowReadersOptions): SlowReaders {
  // Long enough for two pieces, so that one of them is seen to be taken whole.
  const everyMs = Math.max(timeoutMs, (2 * PIECE_BYTES * 1000) / bytesPerSecond);
  const least = (bytesPerSecond * everyMs) / 1000;
  /** What the clients had taken that were behind when this was last looked at. */
  let behind = new Map<Socket, number>();

  const timer = setInterval(() => {
    const before = behind;
    behind = new Map();
    for (const socket of sockets()) {
      if (socket.writableLength === 0) {
        continue;
      }
      const taken = socket.bytesWritten - socket.writableLength;
      if (taken - (before.get(socket) ?? Number.NEGATIVE_INFINITY) < least) {
        socket.destroy();
      } else {
        behind.set(socket, taken);
      }
    }
  }, everyMs);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}
