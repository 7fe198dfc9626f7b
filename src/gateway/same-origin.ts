import type { FastifyInstance, FastifyRequest } from 'fastify';
import { denied } from '../errors.ts';

/** A page of another site can have these sent too, but does not get to see the answer. */
const ONLY_READ: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Refuses what a page of another site has a browser send: the browser adds the password that it remembers for this
 * server, and a form needs nobody's leave to be sent (CVE-2025-1473). MLflow would refuse it by its Origin, which
 * it never gets to see behind the gateway.
 */
export function sameOrigin(app: FastifyInstance): void {
  app.addHook('onRequest', (request, _reply, done) => {
    if (!ONLY_READ.has(request.raw.method ?? '') && comesFromElsewhere(request)) {
      throw denied('Cross-origin request blocked.', 'a page of another site had this sent');
    }
    done();
  });
}

/**
 * By what browsers say, and nothing else does: Sec-Fetch-Site, over TLS and on localhost, where no proxy between can
 * be mistaken about it; otherwise Origin (Fetch standard, 3.2; Fetch Metadata, 2.3).
 */
function comesFromElsewhere({ headers, host }: FastifyRequest): boolean {
  const { origin, 'sec-fetch-site': site } = headers;
  if (site !== undefined) {
    return site !== 'same-origin' && site !== 'none';
  }
  if (origin === undefined) {
    return false;
  }
  const from = URL.parse(origin);
  // `null` is what sandboxed pages and files say.
  return from === null || from.host !== URL.parse(`${from.protocol}//${host}`)?.host;
}
