import { createHash } from 'node:crypto';
import { escapeHtml } from '../../escape-html.ts';
import type { Reply } from '../../reply.ts';
import type { Call } from '../handler.ts';
import { checkedNext } from './next.ts';
import { page } from './page.ts';

/**
 * Keeps what stands behind the `#` of an address over a sign-in at a provider, from where no browser brings it back. It stays
 * in the tab and is sent nowhere: no server sees it, so none checks it, and behind a `#` it leads to no other page.
 */
const SCRIPT = `const KEY = 'mlflow-gateway-fragment';
for (const link of document.querySelectorAll('a[data-with-fragment]')) {
  link.addEventListener('click', () => {
    sessionStorage.removeItem(KEY);
    if (location.hash !== '') {
      sessionStorage.setItem(KEY, location.hash);
      link.href = link.dataset.withFragment;
    }
  });
}
const on = document.getElementById('go-on');
if (on !== null) {
  const kept = sessionStorage.getItem(KEY) ?? '';
  sessionStorage.removeItem(KEY);
  on.hash = kept;
  location.replace(on.href);
}
`;

const VERSION = createHash('sha256').update(SCRIPT).digest('hex').slice(0, 8);

/** The element that runs it, as HTML, for a page that lets scripts of the gateway in. */
export const fragmentScript = (prefix: string): string =>
  `\n<script src="${prefix}/auth/fragment.js?v=${VERSION}"></script>`;

/** Where a sign-in at a provider leads to that began with a fragment. */
export const returnAddress = (prefix: string, next: string): string =>
  `${prefix}/auth/return?next=${encodeURIComponent(next)}`;

export const fragmentHandlers = () => ({
  'fragment.script': (): Reply => ({
    headers: {
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'public, max-age=31536000, immutable',
      'x-content-type-options': 'nosniff',
    },
    body: SCRIPT,
  }),

  'fragment.page'({ query, prefix }: Call): Reply {
    const next = checkedNext(query.get('next')?.[0], prefix);
    const content = `<p><a id="go-on" href="${escapeHtml(next)}">Go on to MLflow</a></p>${fragmentScript(prefix)}`;
    return page('You are signed in', content, { prefix, runsScript: true });
  },
});
