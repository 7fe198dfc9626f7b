import type { FastifyInstance } from 'fastify';

/**
 * Keeps what a session was answered out of caches that several users share. They keep nothing that was asked for with
 * `Authorization` (RFC 9111, section 3.5), but know nothing of what a cookie means.
 */
export function notShared(app: FastifyInstance): void {
  app.addHook('preHandler', ({ way: { principal } }, reply, done) => {
    if (principal.kind === 'user' && principal.credential.kind === 'session') {
      reply.header('cache-control', 'private, no-cache');
    }
    done();
  });
}
