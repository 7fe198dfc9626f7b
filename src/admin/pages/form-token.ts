import { Tokens } from '@fastify/csrf';
import { parseCookie } from 'cookie';
import { ownCookie } from '../../identity/session-cookie.ts';
import type { Call } from '../handler.ts';

const tokens = new Tokens({});

/** Of what the library makes. */
const SECRET = /^[\w-]{18,64}$/;

const cookieNameOf = (isSecure: boolean): string =>
  isSecure ? '__Host-mlflow-gateway-form' : 'mlflow-gateway-form';

type Sent = Pick<Call, 'headers' | 'isSecure'>;

/** What a form has in it and what its browser keeps beside it: a page of another site can have neither sent back. */
export interface FormToken {
  /** A hidden field, as HTML. */
  readonly field: string;
  /** `Set-Cookie` headers. */
  readonly cookies: readonly string[];
}

/** A token for a form. Forms that are open in several tabs of one browser all go on to count. */
export function formToken(call: Sent): FormToken {
  const kept = secretIn(call);
  const secret = kept ?? tokens.secretSync();
  return {
    field: `<input type="hidden" name="csrf_token" value="${tokens.create(secret)}">`,
    cookies: kept === undefined ? [ownCookie(cookieNameOf(call.isSecure), secret, call.isSecure)] : [],
  };
}

/** What is wrong with the token that a form has sent; undefined if nothing is. */
export function formTokenProblem(call: Sent & Pick<Call, 'body'>): string | undefined {
  const secret = secretIn(call);
  if (secret === undefined) {
    return 'Your browser has not sent the cookie of this page. Allow cookies here, and try again.';
  }
  const { csrf_token: token } = call.body;
  return typeof token === 'string' && tokens.verify(secret, token)
    ? undefined
    : 'This page is not up to date. Try again.';
}

function secretIn({ headers, isSecure }: Sent): string | undefined {
  const secret = parseCookie(headers.cookie ?? '')[cookieNameOf(isSecure)];
  return secret !== undefined && SECRET.test(secret) ? secret : undefined;
}
