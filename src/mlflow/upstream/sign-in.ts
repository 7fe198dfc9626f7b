import { ApiError } from '../../errors.ts';

/**
 * The refusal that an upstream's wish for credentials is: 502 for users, whom its 401 would ask for the gateway's own
 * again and again. A provider's 401 behind the AI gateway, which has no challenge, is another matter and is passed on.
 *
 * @param path - as in the table.
 * @param challenge - the answer's `WWW-Authenticate`.
 * @returns undefined if it wishes none.
 */
export function askedForSignIn(path: string, status: number, challenge: unknown): ApiError | undefined {
  if (status !== 401 || (challenge === undefined && path.startsWith('/gateway/'))) {
    return undefined;
  }
  return new ApiError(
    'INTERNAL_ERROR',
    'The MLflow server behind this gateway asks for a sign-in of its own. Tell an administrator.',
    { status: 502, because: 'the upstream asks for a sign-in of its own' },
  );
}
