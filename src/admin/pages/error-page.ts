import type { ApiError } from '../../errors.ts';
import { escapeHtml } from '../../escape-html.ts';
import type { Reply } from '../../reply.ts';
import { page } from './page.ts';

const TITLES: Readonly<Record<number, string>> = {
  401: 'You are not signed in',
  403: 'Permission denied',
  404: 'Not found',
  503: 'Not available right now',
  504: 'Not available right now',
};

/**
 * What a browser shows of an error: MLflow's own sentence and a link. For a user who cancelled the password prompt, or
 * used MLflow's Logout, the link leads to the same page: the browser then asks for the password again.
 *
 * @param prefix - before every path of this gateway; empty for none.
 */
export function errorPage({ status, message, headers }: ApiError, prefix: string): Reply {
  const wayOn = status === 401 ? '<a href="">Sign in</a>' : `<a href="${prefix}/">Go to MLflow</a>`;
  const content = `<p>${escapeHtml(message)}</p>\n<p>${wayOn}</p>`;
  return page(TITLES[status] ?? 'That did not work', content, { status, headers });
}
