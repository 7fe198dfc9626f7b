import { Tokens } from '@fastify/csrf';
import { parseCookie, stringifySetCookie } from 'cookie';
import { ApiError } from '../../errors.ts';
import { escapeHtml } from '../../escape-html.ts';
import type { Passwords } from '../../identity/password.ts';
import type { Reply } from '../../reply.ts';
import { createUser } from '../deeds/users.ts';
import { type Call, callerOf } from '../handler.ts';
import { page } from './page.ts';

const COOKIE = 'mlflow_signup';
const tokens = new Tokens({});

/**
 * MLflow's page on which an admin makes a user, under its own paths and in its words.
 *
 * @see mlflow/server/auth/__init__.py (`signup`, `create_user_ui`)
 */
export function signupHandlers(passwords: Passwords) {
  return {
    'signup.page': ({ prefix }: Call): Reply => form({ prefix }),

    async 'signup.submit'(call: Call): Promise<Reply> {
      const { body, headers, changing, prefix } = call;
      const username = textOf(body['username']);
      const problem =
        tokenProblem(body['csrf_token'], parseCookie(headers.cookie ?? '')[COOKIE]) ??
        repetitionProblem(body);
      if (problem !== undefined) {
        return form({ prefix, username, problem });
      }
      try {
        const made = await createUser(changing.users, passwords, {
          username,
          password: textOf(body['password']),
          mustChangePassword: false,
          createdBy: callerOf(call).username,
        });
        return made === undefined
          ? form({ prefix, username, problem: `Username has already been taken: ${username}` })
          : done(username, prefix);
      } catch (error) {
        if (error instanceof ApiError) {
          return form({ prefix, username, problem: error.message, status: error.status });
        }
        throw error;
      }
    },
  };
}

const textOf = (field: unknown): string => (typeof field === 'string' ? field : '');

/** Beside the check of where a request comes from: what the form sends back, a page of another site cannot read. */
function tokenProblem(token: unknown, secret: string | undefined): string | undefined {
  if (typeof token !== 'string' || token === '') {
    return 'The CSRF token is missing.';
  }
  if (secret === undefined) {
    return 'The CSRF session token is missing.';
  }
  return tokens.verify(secret, token) ? undefined : 'The CSRF tokens do not match.';
}

/** Scripts that send MLflow's own form send the password once. */
function repetitionProblem({ password, password_again: again }: Call['body']): string | undefined {
  return again === undefined || again === password ? undefined : 'The two passwords are not the same.';
}

interface Filled {
  /** Before every path of this gateway. */
  readonly prefix: string;
  readonly username?: string;
  /** Why what was sent made no user. */
  readonly problem?: string;
  readonly status?: number;
}

/** The form, after a refusal with what was sent but the password. Each has a secret of its own. */
function form({ prefix, username = '', problem, status = problem === undefined ? 200 : 400 }: Filled): Reply {
  const secret = tokens.secretSync();
  const cookie = stringifySetCookie({
    name: COOKIE,
    value: secret,
    path: '/',
    httpOnly: true,
    sameSite: 'strict',
  });
  const alert = problem === undefined ? '' : `<p role="alert">${escapeHtml(problem)}</p>\n`;
  const content = `${alert}<form action="${prefix}/api/2.0/mlflow/users/create-ui" method="post">
<input type="hidden" name="csrf_token" value="${tokens.create(secret)}"/>
<label for="username">Username:</label>
<input type="text" id="username" name="username" value="${escapeHtml(username)}" autocomplete="off" autofocus required>
<label for="password">Password:</label>
<input type="password" id="password" name="password" autocomplete="new-password" required>
<label for="password_again">Password again:</label>
<input type="password" id="password_again" name="password_again" autocomplete="new-password" required>
<input type="submit" value="Sign up">
</form>`;
  return {
    ...page('Sign up a user', content, { prefix, status }),
    cookies: [cookie],
    ...(problem !== undefined && { because: problem }),
  };
}

function done(username: string, prefix: string): Reply {
  return page(
    'Signed up',
    `<p role="status">Successfully signed up user: ${escapeHtml(username)}</p>
<p><a href="${prefix}/signup">Sign up another</a></p>
<p><a href="${prefix}/">Go to MLflow</a></p>`,
    { prefix },
  );
}
