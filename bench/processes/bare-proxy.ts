/** Nothing but @fastify/http-proxy, with the gateway's own connections to the upstream: `bare-proxy.ts SOCKET`. */
import httpProxy from '@fastify/http-proxy';
import Fastify from 'fastify';
import { Pool } from 'undici';

const socketPath = process.argv[2] ?? '';
const pool = new Pool('http://localhost', { connect: { socketPath }, connections: 128, pipelining: 1 });
const app = Fastify({ logger: false });
app.register(httpProxy, { upstream: 'http://localhost', undici: pool as never });
process.send?.(await app.listen({ host: '127.0.0.1', port: 0 }));
// An exit of its own, unlike a signal's, lets --cpu-prof write what it has.
process.once('SIGTERM', () => process.exit());

// However the benchmark ends, nothing of it stays.
process.once('disconnect', () => process.exit());
