import type { ReadingStore } from '../../audit/changing.ts';
import { denied, invalid } from '../../errors.ts';
import type { Passwords } from '../../identity/password.ts';
import type { SignedIn } from '../../identity/principal.ts';
import type { Throttle } from '../../identity/throttle.ts';
import type { Reply } from '../../reply.ts';
import type { User } from '../../store/types.ts';
import { ofUsers } from '../contract/users.ts';
import { changeOwnPassword, setPassword } from '../deeds/users.ts';
import { type Call, callerOf, DONE } from '../handler.ts';
import { bodyOf, existingUser } from './parameters.ts';

/** The version of the MLflow behind the gateway, if it can be told. */
export type MlflowVersion = () => Promise<string | undefined>;

export interface PasswordParts {
  readonly store: ReadingStore;
  readonly passwords: Passwords;
  readonly throttle: Throttle;
  readonly mlflowVersion: MlflowVersion;
}

/** A change of a password, the caller's own or another user's, in MLflow's API of both generations. */
export function passwordHandlers({ store, passwords, throttle, mlflowVersion }: PasswordParts) {
  return {
    async 'users.updatePassword'(call: Call): Promise<Reply> {
      const body = bodyOf(call, ofUsers['users.updatePassword'].body);
      const { password } = body;
      const user = await existingUser(store.users, body.username);
      const caller = callerOf(call);
      if (user.id === caller.id) {
        await changeOwn(call, user, { password, current: body.current_password ?? undefined });
      } else {
        refuseFirstPassword(caller);
        const mustChange = body.must_change_password ?? false;
        await setPassword(call.changing.users, passwords, user, { password, mustChange });
      }
      return DONE;
    },
  };

  async function changeOwn(
    call: Call,
    user: User,
    { password, current }: { readonly password: string; readonly current: string | undefined },
  ): Promise<void> {
    // A page left open must not suffice to lock its user out, nor a token. The clients of older versions never send the
    // current password; they have proved it with this very request.
    const isProved = callerOf(call).credential.kind === 'password' && !call.path.startsWith('/ajax-api/');
    if (!current && (!isProved || (await sendsCurrentPassword(call)))) {
      throw invalid('Current password is required when changing your own password.');
    }
    await changeOwnPassword(call.changing.users, passwords, user, {
      password,
      current,
      keptSession: sessionIdOf(callerOf(call)),
      // A page left open must not become a place to guess the password at either.
      verify: (guess) =>
        throttle.attempt({ username: user.username, ip: call.ip }, (rank) =>
          passwords.verify(guess, user.passwordHash, rank),
        ),
    });
  }

  /** MLflow's clients do from 3.13 on; one that does not say its version is taken to be of the server's. */
  async function sendsCurrentPassword({ headers }: Call): Promise<boolean> {
    const said = /^mlflow-python-client\/(\d\S*)/.exec(headers['user-agent'] ?? '')?.[1];
    if (said !== undefined && asksForNoPassword(said)) {
      return false;
    }
    const version = await mlflowVersion().catch(() => undefined);
    return version === undefined || !asksForNoPassword(version);
  }
}

/** The session that a caller is in, if it is one. */
const sessionIdOf = ({ credential: { kind, id } }: SignedIn): string | undefined =>
  kind === 'session' ? id : undefined;

/** @throws ApiError 403 if the caller has to change a password of another's choosing before anything else. */
function refuseFirstPassword({ mustChangePassword }: SignedIn): void {
  if (mustChangePassword) {
    throw denied('Change your own password first.', 'must change the password first');
  }
}

/** Until 3.13 MLflow did not ask for the current password of a user who changes it. */
function asksForNoPassword(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < 3 || (major === 3 && minor < 13);
}
