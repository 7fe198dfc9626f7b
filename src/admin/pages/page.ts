import { createHash } from 'node:crypto';
import { escapeHtml } from '../../escape-html.ts';
import type { Reply } from '../../reply.ts';

const STYLE = `
body { max-width: 25rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.5 sans-serif; overflow-wrap: break-word }
h1 { font-size: 1.3rem }
input { box-sizing: border-box; width: 100%; margin-bottom: 1rem; padding: 0.6rem; font: inherit }
[role='alert'] { padding: 0.6rem; border-left: 0.3rem solid #b00020 }
`;

/** Nothing is loaded or run, and no other style than the one above counts, whatever text gets into a page. */
const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ');

export interface PageOptions {
  /** 200 if left out. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * An answer that is a page for people.
 *
 * @param title - plain text: the title and the heading.
 * @param content - HTML.
 */
export function page(
  title: string,
  content: string,
  { status = 200, headers = {} }: PageOptions = {},
): Reply {
  return {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': POLICY,
      'cache-control': 'no-store',
      ...headers,
    },
    body: `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
<h1>${escapeHtml(title)}</h1>
${content}
</html>
`,
  };
}
