import type { FastifyInstance, FastifyRequest } from 'fastify';
import { denied } from '../errors.ts';
import { effectOf } from '../mlflow/table/effect.ts';

/** What a browser says of where a request comes from, where that is not a page of this gateway's. */
type Elsewhere = 'another site' | 'another host';

const REFUSED = 'Cross-origin request blocked.';

const HINTS: Readonly<Record<Elsewhere, string>> = {
  'another site': REFUSED,
  // A proxy that has changed the Host looks the same, and over plain http no browser says more.
  'another host':
    `${REFUSED} If the page is this gateway's own, a proxy in front of it changes the Host header: ` +
    'have the proxy keep it, or send X-Forwarded-Host and be named in trusted_proxies.',
};

/**
 * Refuses what a page of another site has a browser send: the browser adds the password that it remembers for this
 * server, and a form needs nobody's leave to be sent (CVE-2025-1473). MLflow would refuse it by its Origin, which
 * it never gets to see behind the gateway.
 *
 * What only reads is let through, whatever its method: that page does not get to see the answer.
 */
export function sameOrigin(app: FastifyInstance): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const from = onlyReads(request) ? undefined : elsewhere(request);
    if (from !== undefined) {
      throw denied(HINTS[from], `a page of ${from} had this sent`);
    }
    done();
  });
}

const READING: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** By its method, or else by the row: searches are sent by POST. What has no row is taken to change something. */
function onlyReads({ raw, way: { operation } }: FastifyRequest): boolean {
  return READING.has(raw.method ?? '') || (operation !== undefined && effectOf(operation) === 'read');
}

/**
 * By what browsers say, and nothing else does: Sec-Fetch-Site, over TLS and on localhost, where no proxy between can
 * be mistaken about it; otherwise Origin (Fetch standard, 3.2; Fetch Metadata, 2.3).
 */
export function elsewhere({ headers, host }: FastifyRequest): Elsewhere | undefined {
  const { origin, 'sec-fetch-site': site } = headers;
  if (site !== undefined) {
    return site === 'same-origin' || site === 'none' ? undefined : 'another site';
  }
  if (origin === undefined) {
    return undefined;
  }
  const from = URL.parse(origin);
  // `null` is what sandboxed pages and files say.
  return from !== null && from.host === URL.parse(`${from.protocol}//${host}`)?.host
    ? undefined
    : 'another host';
}
