import type { ReadingStore } from '../../audit/changing.ts';
import { ApiError } from '../../errors.ts';
import { escapeHtml } from '../../escape-html.ts';
import type { Passwords } from '../../identity/password.ts';
import type { Throttle } from '../../identity/throttle.ts';
import type { Reply } from '../../reply.ts';
import { existingUser } from '../api/parameters.ts';
import { type OwnPassword, type OwnPasswordParts, ownPassword } from '../deeds/own-password.ts';
import { changeOwnPassword } from '../deeds/users.ts';
import { type Call, callerOf } from '../handler.ts';
import { formToken, formTokenProblem } from './form-token.ts';
import { checkedNext } from './next.ts';
import { page } from './page.ts';

export interface PasswordPageParts extends OwnPasswordParts {
  readonly store: Pick<ReadingStore, 'users' | 'identities'>;
  readonly passwords: Passwords;
  readonly throttle: Throttle;
}

/** The page on which a user changes the password: the first thing to do with one that another has chosen. */
export function passwordPageHandlers(parts: PasswordPageParts) {
  const { store, passwords, throttle } = parts;
  return {
    async 'password.page'(call: Call): Promise<Reply> {
      const user = await existingUser(store.users, callerOf(call).username);
      const own = await ownPassword(user, parts);
      return own.isHere ? form(call, {}) : elsewhere(call, own);
    },

    async 'password.submit'(call: Call): Promise<Reply> {
      const { body, prefix } = call;
      const problem = formTokenProblem(call) ?? repetitionProblem(body);
      if (problem !== undefined) {
        return { ...form(call, { problem, status: 400 }), because: problem };
      }
      try {
        await change(call);
        const location = checkedNext(nextOf(call), prefix);
        return { status: 303, headers: { location, 'cache-control': 'no-store' } };
      } catch (error) {
        if (error instanceof ApiError) {
          const { message, status, because } = error;
          return { ...form(call, { problem: message, status }), because: because ?? message };
        }
        throw error;
      }
    },
  };

  async function change(call: Call): Promise<void> {
    const caller = callerOf(call);
    const user = await existingUser(store.users, caller.username);
    await changeOwnPassword(call.changing.users, passwords, user, {
      password: textOf(call.body['password']),
      current: textOf(call.body['current_password']),
      keptSession: caller.credential.kind === 'session' ? caller.credential.id : undefined,
      verify: (guess) =>
        throttle.attempt({ username: user.username, ip: call.ip }, (rank) =>
          passwords.verify(guess, user.passwordHash, rank),
        ),
    });
  }
}

const textOf = (field: unknown): string => (typeof field === 'string' ? field : '');

const nextOf = ({ body, query }: Call): unknown => body['next'] ?? query.get('next')?.[0];

const repetitionProblem = ({ password, password_again: again }: Call['body']): string | undefined =>
  again === password ? undefined : 'The two new passwords are not the same.';

/** A form would ask for what is not here. */
function elsewhere({ prefix }: Call, { providers }: OwnPassword): Reply {
  const where =
    providers.length === 0
      ? 'You have no password here.'
      : `You have no password here: it is kept at ${providers.join(', ')}. Change it there.`;
  const content = `<p>${escapeHtml(where)}</p>
<p><a href="${prefix}/">Go to MLflow</a></p>
${signOut(prefix)}`;
  return page('Change your password', content, { prefix });
}

const signOut = (prefix: string): string => `<form action="${prefix}/auth/sign-out" method="post">
<button type="submit" class="plain">Sign out</button>
</form>`;

interface Filled {
  readonly problem?: string;
  readonly status?: number;
}

function form(call: Call, { problem, status = 200 }: Filled): Reply {
  const { prefix } = call;
  const { username, mustChangePassword } = callerOf(call);
  const { field, cookies } = formToken(call);
  const why = mustChangePassword
    ? '<p>Your password was chosen by another. Choose one that only you know.</p>\n'
    : '';
  const alert = problem === undefined ? '' : `<p id="problem" role="alert">${escapeHtml(problem)}</p>\n`;
  const described = problem === undefined ? '' : ' aria-describedby="problem"';
  const content = `${why}${alert}<form action="" method="post">
${field}
<input type="hidden" name="next" value="${escapeHtml(checkedNext(nextOf(call), prefix))}">
<label for="username">Name</label>
<input type="text" id="username" value="${escapeHtml(username)}" autocomplete="username" readonly>
<label for="current_password">Password so far</label>
<input type="password" id="current_password" name="current_password" autocomplete="current-password"${described} required autofocus>
<label for="password">New password</label>
<input type="password" id="password" name="password" autocomplete="new-password"${described} required>
<label for="password_again">New password again</label>
<input type="password" id="password_again" name="password_again" autocomplete="new-password" required>
<button type="submit">Change password</button>
</form>
${signOut(prefix)}`;
  return { ...page('Change your password', content, { prefix, status }), cookies };
}
