import { ApiError } from '../errors.ts';
import type { Basic } from './basic.ts';
import { isFromBrowser } from './browser.ts';
import type { Authenticator } from './principal.ts';

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
    challenge: taken === 'api' ? basic.challenge : 'Bearer realm="mlflow"',
    authenticate(presented) {
      const { headers, method, path } = presented;
      if (!/^basic /i.test(headers.authorization ?? '')) {
        return 'not-mine';
      }
      return taken === 'api' && !isFromBrowser({ headers, method, url: path })
        ? basic.authenticate(presented)
        : { refused: `basic_auth = ${taken}`, error: notTaken(taken) };
    },
  };
}

function notTaken(taken: BasicAuth): ApiError {
  const told =
    taken === 'off'
      ? 'Passwords are not taken by HTTP basic here. Sign in at /auth/sign-in in a browser, and give programs a token: MLFLOW_TRACKING_TOKEN.'
      : 'Passwords are not taken by HTTP basic from browsers here. Sign in at /auth/sign-in.';
  return new ApiError('UNAUTHENTICATED', told, { because: `basic_auth = ${taken}` });
}
