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
 * What a browser shows of an error: MLflow's own sentence, and a way on. After the password prompt was cancelled, or
 * MLflow's Logout, that is one to sign in: the browser asks anew where the link leads.
 *
 * @param prefix - before every path of this gateway; empty for none.
 */
export function errorPage({ status, message, headers }: ApiError, prefix: string): Reply {
  // To this very page, or to MLflow's first.
  const wayOn = status === 401 ? '<a href="">Sign in</a>' : `<a href="${prefix}/">Go to MLflow</a>`;
  const content = `<p>${escapeHtml(message)}</p>\n<p>${wayOn}</p>`;
  return page(TITLES[status] ?? 'That did not work', content, { status, headers });
}
