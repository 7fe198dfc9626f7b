import { printable } from '../printable.ts';
import type { Connection } from './connection.ts';
import type { ServerRefusal } from './send.ts';

/** What to do, by status and by MLflow's error code; the first that fits. */
const HINTS: readonly {
  readonly when: (refusal: ServerRefusal) => boolean;
  readonly says?: string;
  readonly do?: string;
}[] = [
  {
    when: ({ status }) => status === 401,
    says: 'You are not signed in.',
  },
  {
    when: ({ status, message }) => status === 403 && /^(permission denied)?\W*$/i.test(message),
    says: 'Permission denied.',
    do: 'Sign in as an admin, or as a user with MANAGE on it.',
  },
  {
    when: ({ status, code }) =>
      [404, 405, 415].includes(status) && (code === undefined || code === 'ENDPOINT_NOT_FOUND'),
    says: 'The server does not know this call.',
    do: 'Is MLFLOW_TRACKING_URI the address of the gateway?',
  },
  {
    when: ({ status }) => [429, 502, 503, 504].includes(status),
    do: 'Try again in a moment.',
  },
];

/**
 * The server's no as one line: its own words, then what helps.
 *
 * @param ifExists - what helps when the thing exists already.
 * @param secrets - texts that the server may repeat and that must not appear.
 */
export function explainRefusal(
  refusal: ServerRefusal,
  connection: Connection,
  ifExists: string | undefined,
  secrets: readonly string[],
): string {
  const hint = HINTS.find(({ when }) => when(refusal));
  const advice =
    refusal.status === 401
      ? howToSignIn(connection)
      : (hint?.do ?? refusal.remark ?? (refusal.code === 'RESOURCE_ALREADY_EXISTS' ? ifExists : undefined));
  const said = secrets
    .filter((secret) => secret !== '')
    .reduce((text, secret) => text.replaceAll(secret, '***'), wordsOf(refusal.message));
  const words = hint?.says ?? (said || `The server answered with status ${refusal.status}.`);
  return printable(advice === undefined ? words : `${words} ${advice}`);
}

/** What to do about credentials: those that were sent, or none. */
function howToSignIn({ authorization, basic }: Connection): string {
  if (authorization === undefined) {
    return 'Type mlflow-auth-client login, or set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD.';
  }
  return basic === undefined
    ? 'Check MLFLOW_TRACKING_TOKEN: the token is mistyped, has expired, or was deleted or rotated.'
    : 'Check MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD.';
}

/**
 * The first line, without what follows `Error:`: MLflow 2.15 puts the SQL statement there, and in it the hash
 * of the new password.
 */
function wordsOf(message: string): string {
  const words = (message.split(/\r?\n| Error: /, 1)[0] ?? '').trim();
  return words === '' || /[.!?]$/.test(words) ? words : `${words}.`;
}
