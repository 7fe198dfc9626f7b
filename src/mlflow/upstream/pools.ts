import { Pool } from 'undici';
import { createConnect } from './connect.ts';

const CONNECT_TIMEOUT_MS = 10_000;
/** For what needs no credentials. */
const PUBLIC_CONNECTIONS = 8;
/** Below uvicorn's 5 s, so that a request never meets a connection that is just being closed. */
const KEEP_ALIVE_MS = 4_000;

export interface PoolOptions {
  /** `http://…`, `https://…` or `unix:/path/to.sock`. */
  readonly uri: string;
  /** PEM of the authorities that an https upstream is trusted by; Node's own if left out. */
  readonly ca?: string | undefined;
  readonly connections: number;
  /** Whether a connection serves more than one request; it does unless said. */
  readonly keepAlive?: boolean;
}

/** Connections to the upstream: for users, for what needs no credentials, and one to see whether it lives. */
export function openPools({ uri, ca, connections, keepAlive }: PoolOptions, timeoutMs: number) {
  const socketPath = uri.startsWith('unix:') ? uri.slice('unix:'.length) : undefined;
  const origin = socketPath === undefined ? new URL(uri).origin : 'http://localhost';
  const connect = createConnect({
    timeout: CONNECT_TIMEOUT_MS,
    ...(socketPath !== undefined && { socketPath }),
    ...(ca !== undefined && { ca }),
  });
  const open = (size: number) =>
    new Pool(origin, {
      connect,
      connections: size,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      // 0 is a connection for each request.
      pipelining: keepAlive === false ? 0 : 1,
    });
  return {
    origin,
    isSocket: socketPath !== undefined,
    pool: open(connections),
    publicPool: open(PUBLIC_CONNECTIONS),
    pinger: new Pool(origin, { connect, connections: 1, pipelining: 0 }),
  };
}
