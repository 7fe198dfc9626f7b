import { stringifySetCookie } from 'cookie';

/**
 * What the cookie of a session is called. Over https a browser takes one of this name only from this very host, by
 * https and for all of its paths: no other host of the same domain can put one there (RFC 6265bis, 4.1.3.2).
 *
 * @param isSecure - whether the browser has come by https.
 */
export const cookieNameOf = (isSecure: boolean): string =>
  isSecure ? '__Host-mlflow-gateway' : 'mlflow-gateway';

/** 256 random bits in base64url. */
const SECRET = /^[A-Za-z0-9_-]{43}$/;
const SECRET_BYTES = 32;

export const makeSessionSecret = (random: (bytes: number) => Buffer): string =>
  random(SECRET_BYTES).toString('base64url');

/**
 * The secret of a session in a `Cookie` header; undefined if there is none, or more than one: a second cookie of the name
 * was put there by somebody else, and nobody can tell which.
 */
export function sessionSecretIn(cookie: string | undefined, isSecure: boolean): string | undefined {
  const name = cookieNameOf(isSecure);
  if (cookie === undefined || !cookie.includes(name)) {
    return undefined;
  }
  const start = `${name}=`;
  const found = cookie
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(start));
  const [value = ''] = found.map((pair) => pair.slice(start.length));
  return found.length === 1 && SECRET.test(value) ? value : undefined;
}

/**
 * A cookie that scripts can take away, beside that of the session. MLflow's Logout does so before it calls: a browser sends
 * the made-up user of that call only to a server that asks for a password, which one that knows the session does not.
 *
 * @see mlflow/server/js/src/account/auth-utils.ts (`performLogout`)
 */
const COMPANION = 'mlflow_user';

export const hasCompanion = (cookie: string): boolean =>
  cookie.split(';').some((pair) => pair.trim().startsWith(`${COMPANION}=`));

/** The `Set-Cookie` headers that a browser gets whose user has signed in. */
export function sessionCookies(secret: string, username: string, isSecure: boolean): readonly string[] {
  return [
    ownCookie(cookieNameOf(isSecure), secret, isSecure),
    stringifySetCookie({ name: COMPANION, value: username, path: '/', sameSite: 'lax', secure: isSecure }),
  ];
}

/** The `Set-Cookie` headers that take a session away. */
export function noSessionCookies(isSecure: boolean): readonly string[] {
  return [ownCookie(cookieNameOf(isSecure), '', isSecure), ownCookie(COMPANION, '', isSecure)];
}

/** A cookie for no script, which another site has sent along with nothing that changes something; an empty one goes away. */
export function ownCookie(name: string, value: string, isSecure: boolean): string {
  return stringifySetCookie({
    ...{ name, value, path: '/', httpOnly: true, sameSite: 'lax', secure: isSecure },
    ...(value === '' && { maxAge: 0 }),
  });
}
