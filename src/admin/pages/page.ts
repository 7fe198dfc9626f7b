import { escapeHtml } from '../../escape-html.ts';
import type { Reply } from '../../reply.ts';
import { styleAddress } from './style.ts';

/** Nothing is run, or nothing but the gateway's file, and no style counts but that of the file, whatever text gets into a page. */
const policy = (runsScript: boolean): string =>
  [
    "default-src 'none'",
    ...(runsScript ? ["script-src 'self'"] : []),
    "style-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ');

export interface PageOptions {
  /** Before every path of this gateway; empty for none. */
  readonly prefix: string;
  /** 200 if left out. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether a script of the gateway may run; none may if left out. */
  readonly runsScript?: boolean;
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
  { prefix, status = 200, headers = {}, runsScript = false }: PageOptions,
): Reply {
  return {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy(runsScript),
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      // What one comes from is told to nobody else; a form of ours goes on to say that it is ours.
      'referrer-policy': 'same-origin',
      'cache-control': 'no-store',
      ...headers,
    },
    body: `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<link rel="stylesheet" href="${styleAddress(prefix)}">
<main>
<h1>${escapeHtml(title)}</h1>
${content}
</main>
</html>
`,
  };
}
