import type { ApiError } from '../../errors.ts';
import { escapeHtml } from '../../escape-html.ts';
import type { Reply } from '../../reply.ts';
import { page } from './page.ts';

const TITLES: Readonly<Record<number, string>> = {
  303: 'You are not signed in',
  401: 'You are not signed in',
  403: 'Permission denied',
  404: 'Not found',
  503: 'Not available right now',
  504: 'Not available right now',
};

/**
 * What a browser shows of an error: MLflow's own sentence and a link; for a user who is not signed in to where that is done.
 *
 * @param prefix - before every path of this gateway; empty for none.
 */
export function errorPage({ status, message, headers }: ApiError, prefix: string): Reply {
  const { location } = headers;
  const signIn = location ?? `${prefix}/auth/sign-in`;
  const wayOn =
    status === 401 || location !== undefined
      ? `<a href="${escapeHtml(signIn)}">Sign in</a>`
      : `<a href="${prefix}/">Go to MLflow</a>`;
  const content = `<p>${escapeHtml(message)}</p>\n<p>${wayOn}</p>`;
  return page(TITLES[status] ?? 'That did not work', content, { prefix, status, headers });
}
