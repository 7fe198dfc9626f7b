import { notFound } from '../../errors.ts';
import { escapeHtml } from '../../escape-html.ts';
import type { Reply } from '../../reply.ts';
import type { Call } from '../handler.ts';
import type { WebFile, WebFiles } from './web-files.ts';

/** Nothing but files of this gateway: no inline script or style, no evaluation, no frame around it, no other host. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

const HEADERS = {
  'content-security-policy': POLICY,
  'content-type': 'text/html; charset=utf-8',
  // It names files by their content: an old one would ask for files that are gone.
  'cache-control': 'no-cache',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
};

/** The pages of src/web, as its build made them: one document for all of them, and its files. */
export function appHandlers(files: WebFiles) {
  return {
    'pages.app': ({ prefix }: Call): Reply => ({ headers: HEADERS, body: placed(files.page(), prefix) }),

    /** Whoever opens a link by which a password is chosen has none yet. */
    'pages.invitation': ({ prefix }: Call): Reply => ({
      headers: { ...HEADERS, 'referrer-policy': 'no-referrer' },
      body: placed(files.page(), prefix),
    }),

    async 'pages.asset'(call: Call): Promise<Reply> {
      const file = files.asset(call.params['file'] ?? '');
      if (file === undefined) {
        throw notFound('There is no such file. Load the page again.');
      }
      // Its name says what is in it.
      return sent(call, file, 'public, max-age=31536000, immutable');
    },

    'pages.inMlflow': (call: Call): Promise<Reply> => sent(call, files.inMlflow(), 'no-cache'),
  };
}

/** Puts the prefix in, which only the gateway knows, before the paths of the files and where scripts look for it. */
function placed(page: string, prefix: string): string {
  const path = escapeHtml(prefix);
  return page
    .replaceAll('"./assets/', `"${path}/auth/assets/`)
    .replaceAll('name="gateway-prefix" content=""', `name="gateway-prefix" content="${path}"`);
}

async function sent({ headers }: Call, { bytes, zipped, type }: WebFile, caching: string): Promise<Reply> {
  const takesGzip = /\bgzip\b/i.test(String(headers['accept-encoding'] ?? ''));
  return {
    headers: {
      'content-type': type,
      'cache-control': caching,
      'x-content-type-options': 'nosniff',
      vary: 'accept-encoding',
      ...(takesGzip && { 'content-encoding': 'gzip' }),
    },
    body: takesGzip ? await zipped : bytes,
  };
}
