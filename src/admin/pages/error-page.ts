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

/** Kinds by how the page names them on which access is asked for; prompts share the names of models. */
const SHARED_AS: ReadonlyMap<string, string> = new Map([
  ['experiment', 'experiment'],
  ['registered_model', 'registered-model'],
  ['prompt', 'registered-model'],
]);

/**
 * What a browser shows of an error: MLflow's own sentence and a link; for a user who is not signed in to where that is done.
 *
 * @param prefix - before every path of this gateway; empty for none.
 * @param refused - what the request named that the user may not touch, or that is not there; there they can ask for access.
 */
export function errorPage(
  { status, message, headers }: ApiError,
  prefix: string,
  refused?: { readonly kind: string; readonly id: string },
): Reply {
  const { location } = headers;
  const signIn = location ?? `${prefix}/auth/sign-in`;
  const wayOn =
    status === 401 || location !== undefined
      ? `<a href="${escapeHtml(signIn)}">Sign in</a>`
      : `<a href="${prefix}/">Go to MLflow</a>`;
  const asked = status === 403 ? SHARED_AS.get(refused?.kind ?? '') : undefined;
  const asking =
    asked === undefined || refused === undefined
      ? ''
      : `\n<p><a href="${prefix}/auth/share/${asked}/${escapeHtml(encodeURIComponent(refused.id))}">Request access</a></p>`;
  const content = `<p>${escapeHtml(message)}</p>${asking}\n<p>${wayOn}</p>`;
  return page(TITLES[status] ?? 'That did not work', content, { prefix, status, headers });
}
