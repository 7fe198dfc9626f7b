import { createHash, randomBytes } from 'node:crypto';
import type { Received, TestGateway } from './gateway.ts';
import { type CookieJar, plain } from './sign-in.ts';

/** Where a program gets the token that it was allowed. */
export const REDEEM = '/api/2.0/mlflow/users/tokens/redeem';
/** Where a program listens. */
export const BACK = 'http://127.0.0.1:4321/signed-in';
export const VERIFIER = randomBytes(32).toString('base64url');
export const CHALLENGE = createHash('sha256').update(VERIFIER).digest('base64url');

export const STATE = 'a-state-of-the-program';

const ASKED = {
  name: 'login on laptop',
  code_challenge: CHALLENGE,
  code_challenge_method: 'S256',
  state: STATE,
  redirect_uri: BACK,
};
export type Asked = Readonly<Record<string, string | undefined>>;

/** The address of the page on which a user allows a program to sign in; a value of undefined is left out. */
export function pageFor(asked: Asked = {}): string {
  const all = Object.entries({ ...ASKED, ...asked });
  const said = all.flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as [string, string]],
  );
  return `/auth/login?${new URLSearchParams(said)}`;
}

/** Where a page goes on to. */
export const goesOnTo = ({ text }: Received): URL | undefined => {
  const [, address] = /http-equiv="refresh" content="0; url=([^"]+)"/.exec(text) ?? [];
  return address === undefined ? undefined : new URL(plain(address));
};

/** Allows a program in a browser; answers the code. */
export async function allow(jar: CookieJar, asked: Asked = {}): Promise<string> {
  const answer = await jar.submit(pageFor(asked), { answer: 'yes' });
  if (answer.status !== 200) {
    throw new Error(`allowing gives ${answer.status} ${answer.text}`);
  }
  const [, shown] = /<code class="whole">([\w-]+)</.exec(answer.text) ?? [];
  return goesOnTo(answer)?.searchParams.get('code') ?? shown ?? '';
}

/** Fetches the token, as the program does. */
export const redeem = ({ anonymous }: Pick<TestGateway, 'anonymous'>, code: string, more: Asked = {}) =>
  anonymous.post(REDEEM, { code, code_verifier: VERIFIER, redirect_uri: BACK, ...more });
