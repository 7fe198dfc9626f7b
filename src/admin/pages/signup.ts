import { Tokens } from '@fastify/csrf';
import { parseCookie, stringifySetCookie } from 'cookie';
import { ApiError } from '../../errors.ts';
import { escapeHtml } from '../../escape-html.ts';
import type { Passwords } from '../../identity/password.ts';
import type { Reply } from '../../reply.ts';
import type { Store } from '../../store/index.ts';
import { createUser } from '../deeds/users.ts';
import type { Call } from '../handler.ts';
import { page } from './page.ts';

const COOKIE = 'mlflow_signup';
const tokens = new Tokens({});

/**
 * MLflow's page on which an admin makes a user, under its own paths and in its words.
 *
 * @see mlflow/server/auth/__init__.py (`signup`, `create_user_ui`)
 */
export function signupHandlers(store: Store, passwords: Passwords) {
  return {
    'signup.page'(): Reply {
      const secret = tokens.secretSync();
      // Beside the check of where a request comes from: what the form sends back, a page of another site cannot read.
      const cookie = stringifySetCookie({
        name: COOKIE,
        value: secret,
        path: '/',
        httpOnly: true,
        sameSite: 'strict',
      });
      return page(form(tokens.create(secret)), { 'set-cookie': cookie });
    },

    async 'signup.submit'({ body, headers }: Call): Promise<Reply> {
      checkToken(body['csrf_token'], parseCookie(headers.cookie ?? '')[COOKIE]);
      const [username, password] = [textOf(body['username']), textOf(body['password'])];
      if ((await createUser(store.users, passwords, { username, password })) === undefined) {
        return page(notice(`Username has already been taken: ${username}`, '/signup'));
      }
      return page(notice(`Successfully signed up user: ${username}`, '/'));
    },
  };
}

const textOf = (field: unknown): string => (typeof field === 'string' ? field : '');

function checkToken(token: unknown, secret: string | undefined): void {
  if (typeof token !== 'string' || token === '') {
    throw new ApiError('BAD_REQUEST', 'The CSRF token is missing.');
  }
  if (secret === undefined) {
    throw new ApiError('BAD_REQUEST', 'The CSRF session token is missing.');
  }
  if (!tokens.verify(secret, token)) {
    throw new ApiError('BAD_REQUEST', 'The CSRF tokens do not match.');
  }
}

const form = (token: string) =>
  document(`<form action="/api/2.0/mlflow/users/create-ui" method="post">
<input type="hidden" name="csrf_token" value="${token}"/>
<label for="username">Username:</label>
<input type="text" id="username" name="username" autocomplete="off" required>
<label for="password">Password:</label>
<input type="password" id="password" name="password" autocomplete="new-password" required>
<input type="submit" value="Sign up">
</form>`);

const notice = (text: string, next: string) =>
  document(`<p>${escapeHtml(text)}</p><p><a href="${next}">Go on</a></p>`);

const document = (content: string) => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Sign up a user</title>
<style>
body { max-width: 25rem; margin: 2rem auto; padding: 0 1rem; font: 0.9rem/1.5 sans-serif }
input { box-sizing: border-box; width: 100%; margin-bottom: 1rem; padding: 0.6rem; font: inherit }
</style>
${content}
</html>
`;
