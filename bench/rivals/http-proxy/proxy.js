/** Nothing but @fastify/http-proxy, with what its registry installs for it: `proxy.js UPSTREAM`, an address or the path of a socket. */
import httpProxy from '@fastify/http-proxy';
import Fastify from 'fastify';
import { Pool } from 'undici';

const upstream = process.argv[2] ?? '';
const isSocket = upstream.startsWith('/');
const app = Fastify({ logger: false });
app.register(
  httpProxy,
  isSocket
    ? {
        upstream: 'http://localhost',
        undici: new Pool('http://localhost', {
          connect: { socketPath: upstream },
          connections: 128,
          pipelining: 1,
        }),
      }
    : { upstream },
);
process.send?.(await app.listen({ host: '127.0.0.1', port: 0 }));
// An exit of its own, unlike a signal's, lets --cpu-prof write what it has.
process.once('SIGTERM', () => process.exit());

// However the benchmark ends, nothing of it stays.
process.once('disconnect', () => process.exit());
