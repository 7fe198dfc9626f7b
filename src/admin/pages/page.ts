import type { Reply } from '../../reply.ts';

/**
 * An answer that is a page for people.
 *
 * @param html - the whole document.
 */
export function page(html: string, headers: Readonly<Record<string, string>> = {}): Reply {
  return {
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy':
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
      'cache-control': 'no-store',
      ...headers,
    },
    body: html,
  };
}
