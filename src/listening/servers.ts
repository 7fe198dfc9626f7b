import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import type { FastifyServerFactory } from 'fastify';
import type { KeyPair } from './key-pair.ts';
import { closeSlowReaders } from './slow-readers.ts';
import { TLS_OPTIONS } from './tls-options.ts';

/** The sockets that the gateway listens on; several where a name such as `localhost` has several addresses. */
export interface Servers {
  /** Makes one for Fastify. */
  readonly factory: FastifyServerFactory;
  /** Whether they speak TLS. */
  readonly secure: boolean;
  /** Takes another certificate from the next handshake on; connections that are open keep theirs. */
  renew(pair: KeyPair): void;
  /** Closes connections on which nothing is asked, and from now on every other when its last answer has ended. */
  drain(): void;
  /** Closes all connections. */
  closeAll(): void;
  /** Resolves, after {@link drain}, once no connection is left and all that follows from the end of the last has been done. */
  gone(): Promise<void>;
  /** Looks at no connection any more. */
  stop(): void;
}

export interface ServersOptions {
  /** How long a connection may stay idle between two requests. */
  readonly keepAliveMs: number;
  /** After how long without a byte on a connection it is looked at. */
  readonly timeoutMs: number;
  readonly maxHeaderBytes: number;
  /** The least that a client takes of an answer, per second. */
  readonly leastBytesPerSecond: number;
  /** With it they speak TLS alone. */
  readonly pair?: KeyPair | undefined;
}

/** Prepares servers; nothing listens before Fastify says so. */
export function createServers(options: ServersOptions): Servers {
  const { pair } = options;
  const servers: Server[] = [];
  const connections = createConnections();
  const slowReaders = closeSlowReaders({
    sockets: connections.all,
    bytesPerSecond: options.leastBytesPerSecond,
    timeoutMs: options.timeoutMs,
  });

  function open(handler: (request: IncomingMessage, response: ServerResponse) => void): Server {
    const http = { maxHeaderSize: options.maxHeaderBytes };
    const server =
      pair === undefined
        ? createServer(http, handler)
        : createTlsServer({ ...http, ...TLS_OPTIONS, ...pair }, handler);
    server.keepAliveTimeout = options.keepAliveMs;
    // A large artifact may take hours; slow headers are cut off by Node's own headersTimeout.
    server.requestTimeout = 0;
    server.setTimeout(options.timeoutMs);
    // Before Fastify's own listener, whose handler may end the answer.
    server.prependListener('request', connections.asked);
    server.on(pair === undefined ? 'connection' : 'secureConnection', connections.opened);
    servers.push(server);
    return server;
  }

  return {
    factory: (handler) => open(handler),
    secure: pair !== undefined,
    renew(next) {
      for (const server of servers) {
        if ('setSecureContext' in server && typeof server.setSecureContext === 'function') {
          server.setSecureContext({ ...TLS_OPTIONS, ...next });
        }
      }
    },
    drain: connections.drain,
    gone: connections.gone,
    closeAll() {
      for (const server of servers) {
        server.closeAllConnections();
      }
    },
    stop: slowReaders.stop,
  };
}

/**
 * Counts what is asked on each connection. Node's `closeIdleConnections` takes one that nothing was ever asked on for
 * busy until its headers are due, which browsers and load balancers keep many of.
 */
function createConnections() {
  const underWay = new Map<Socket, number>();
  const { promise: gone, resolve: noneLeft } = Promise.withResolvers<void>();
  let draining = false;

  function opened(socket: Socket): void {
    if (draining) {
      socket.destroy();
      return;
    }
    underWay.set(socket, 0);
    socket.once('close', () => {
      underWay.delete(socket);
      tellIfGone();
    });
  }

  function tellIfGone(): void {
    if (draining && underWay.size === 0) {
      noneLeft();
    }
  }

  function asked({ socket }: IncomingMessage, response: ServerResponse): void {
    underWay.set(socket, (underWay.get(socket) ?? 0) + 1);
    response.on('close', () => {
      const before = underWay.get(socket);
      // A socket that is gone is not to be remembered, as nothing would take it out again.
      if (before === undefined) {
        return;
      }
      const left = before - 1;
      underWay.set(socket, left);
      if (draining && left === 0) {
        socket.destroySoon();
      }
    });
  }

  return {
    opened,
    asked,
    all: () => underWay.keys(),
    drain() {
      draining = true;
      for (const [socket, requests] of underWay) {
        if (requests === 0) {
          socket.destroySoon();
        }
      }
      tellIfGone();
    },
    async gone() {
      await gone;
      // Who else listens for the end of the last one has been told.
      await setImmediate();
    },
  };
}
