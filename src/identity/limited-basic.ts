import { ApiError } from '../errors.ts';
import type { Basic } from './basic.ts';
import { isFromBrowser } from './browser.ts';
import type { Authenticator, Refused, Verdict } from './principal.ts';

/** From whom passwords are taken by HTTP basic: from everybody, from programs alone, or from nobody. */
export type BasicAuth = 'on' | 'api' | 'off';

/**
 * HTTP basic as far as the setting takes it; a token in its place is none of this. What is refused is not looked at: that
 * tells nobody whether the password is right.
 */
export function limitBasic(basic: Basic, taken: BasicAuth): Authenticator {
  if (taken === 'on') {
    return basic;
  }
  return {
    challenge: taken === 'api' ? basic.challenge : TOKENS_ALONE,
    authenticate(presented) {
      const { headers, method, path } = presented;
      if (!isBasic(headers.authorization)) {
        return 'not-mine';
      }
      return taken === 'api' && !isFromBrowser({ headers, method, url: path })
        ? basic.authenticate(presented)
        : { refused: `basic_auth = ${taken}`, error: notTaken(taken) };
    },
  };
}

const TOKENS_ALONE = 'Bearer realm="mlflow"';

const isBasic = (authorization: string | undefined): boolean => /^basic /i.test(authorization ?? '');

function notTaken(taken: BasicAuth): ApiError {
  const told =
    taken === 'off'
      ? 'Passwords are not taken by HTTP basic here. Sign in at /auth/sign-in in a browser, and give programs a token: MLFLOW_TRACKING_TOKEN.'
      : 'Passwords are not taken by HTTP basic from browsers here. Sign in at /auth/sign-in.';
  return new ApiError('UNAUTHENTICATED', told, { because: `basic_auth = ${taken}` });
}

/** Whose passwords are taken: everybody's, those of admins, or nobody's. */
export type LocalSignIn = 'everybody' | 'admins' | 'nobody';

/** Whether a password of a user is taken. */
export const isTaken = (by: LocalSignIn, { isAdmin }: { readonly isAdmin: boolean }): boolean =>
  by === 'everybody' || (by === 'admins' && isAdmin);

/**
 * Passwords as far as the setting takes them, by HTTP basic and on the sign-in page. That of a user who is no admin is refused
 * after it was proved: before, the answer would tell anybody who is one. Where nobody's is taken, none is looked at.
 */
export function limitLocal(basic: Basic, by: LocalSignIn): Basic {
  switch (by) {
    case 'everybody':
      return basic;
    case 'admins':
      return {
        ...basic,
        authenticate(presented) {
          const verdict = basic.authenticate(presented);
          return verdict instanceof Promise ? verdict.then(ofAdmins) : ofAdmins(verdict);
        },
        signIn: (credentials, ip) => basic.signIn(credentials, ip).then(ofAdmins),
      };
    case 'nobody':
      return {
        challenge: TOKENS_ALONE,
        authenticate: ({ headers }) => (isBasic(headers.authorization) ? NO_PASSWORDS : 'not-mine'),
        signIn: async () => NO_PASSWORDS,
      };
  }
}

const ofAdmins = (verdict: Verdict): Verdict =>
  verdict === 'not-mine' || 'refused' in verdict || isTaken('admins', verdict)
    ? verdict
    : { ...notLocal('admins'), triedAs: verdict.username };

const NO_PASSWORDS = notLocal('nobody');

function notLocal(by: 'admins' | 'nobody'): Refused {
  const because = `local_sign_in = ${by}`;
  const who = by === 'admins' ? 'Passwords of users who are no admins' : 'Passwords';
  const told = `${who} are not taken here. Sign in by a provider at /auth/sign-in in a browser, and give programs a token: mlflow-auth-client login, or MLFLOW_TRACKING_TOKEN.`;
  return { refused: because, error: new ApiError('UNAUTHENTICATED', told, { because }) };
}
