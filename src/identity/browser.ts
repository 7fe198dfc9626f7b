import type { IncomingHttpHeaders } from 'node:http';

/** What of a request tells whether a browser has sent it, and what for. */
interface Asked {
  readonly method: string;
  /** The canonical path, with or without the query. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

const isApi = (url: string): boolean => /^\/(?:ajax-)?api\//.test(url);

const takesHtml = ({ method, headers }: Asked): boolean =>
  method === 'GET' && /\btext\/html\b/i.test(headers.accept ?? '');

/** Whether a browser would show the answer. Some libraries accept text/html with every call of the API. */
export function showsPage(request: Asked): boolean {
  return takesHtml(request) && !isApi(request.url);
}

/**
 * Whether somebody opens a page: what a page loads or calls by itself is another matter (Fetch Metadata, 2.2; over plain
 * http no browser says that).
 */
export function opensPage(request: Asked): boolean {
  const { 'sec-fetch-mode': mode, 'x-requested-with': requestedWith } = request.headers;
  const opens = mode === undefined ? showsPage(request) : mode === 'navigate' && takesHtml(request);
  return opens && requestedWith === undefined;
}

/** Whether a page calls. */
export function isCalledByPage({ url, headers }: Asked): boolean {
  const { 'sec-fetch-mode': mode, 'x-requested-with': requestedWith, authorization } = headers;
  return (
    (mode !== undefined && mode !== 'navigate') ||
    requestedWith !== undefined ||
    (url.startsWith('/ajax-api/') && authorization === undefined)
  );
}

/** Whether a browser has sent it, as far as that can be told. */
export function isFromBrowser(request: Asked): boolean {
  const { headers } = request;
  return (
    headers['sec-fetch-mode'] !== undefined ||
    headers['sec-fetch-site'] !== undefined ||
    headers['x-requested-with'] !== undefined ||
    showsPage(request)
  );
}
