import type { Changing } from '../../audit/changing.ts';
import { ApiError, invalid } from '../../errors.ts';
import { LOGGED_OUT_PREFIX } from '../../identity/logged-out.ts';
import type { Passwords } from '../../identity/password.ts';
import { OWN_ROLE_PREFIX } from '../../policy/own-role.ts';
import { NO_PASSWORD, type User } from '../../store/types.ts';
import type { NewUser, Users } from '../../store/users.ts';
import type { GrantTarget } from './grants.ts';

const MAX_USERNAME_LENGTH = 255;

/** A name that HTTP basic can carry and that every log can show (RFC 7617: no colon, no control characters). */
const USERNAME = /^[^\p{C}:]+$/u;
const RESERVED = [LOGGED_OUT_PREFIX, OWN_ROLE_PREFIX];

/** @throws ApiError 400 for a name that nobody could sign in with, or that MLflow's UI gives another meaning. */
export function checkUsername(name: string): void {
  if (name.trim() === '') {
    throw invalid('Username cannot be empty.');
  }
  if (name.length > MAX_USERNAME_LENGTH) {
    throw invalid(`Username cannot be longer than ${MAX_USERNAME_LENGTH} characters.`);
  }
  if (!USERNAME.test(name) || name !== name.trim()) {
    throw invalid('Username cannot have colons, control characters, or spaces around it.');
  }
  if (RESERVED.some((prefix) => name.startsWith(prefix))) {
    throw invalid('Username is reserved. Choose another.');
  }
}

/**
 * Adds a user whose password is hashed already.
 *
 * @throws ApiError 400 for a name that is taken or that nobody may have.
 */
export async function addUser(users: Pick<Users, 'create'>, user: NewUser): Promise<User> {
  checkUsername(user.username);
  return users.create(user);
}

/**
 * Makes a user who is no admin; undefined if exactly this name is taken.
 *
 * @throws ApiError 400 for a name or password that nobody may have.
 */
export async function createUser(
  users: Users,
  passwords: Passwords,
  { username, password, mustChangePassword, createdBy }: UserToMake,
): Promise<User | undefined> {
  if (username === '' || password === '') {
    throw invalid('Username and password cannot be empty.');
  }
  checkUsername(username);
  passwords.checkRules(password);
  if ((await users.get(username)) !== undefined) {
    return undefined;
  }
  const passwordHash = await passwords.hash(password);
  return addUser(users, { username, passwordHash, isAdmin: false, mustChangePassword, createdBy });
}

/** A user that is to be made. */
export interface UserToMake {
  readonly username: string;
  readonly password: string;
  /** Whether the password is only good for choosing another. */
  readonly mustChangePassword: boolean;
  /** The name of the user who makes them. */
  readonly createdBy: string;
}

/**
 * Makes a service account: a user without a password, who signs in by tokens alone; undefined if exactly this name is
 * taken.
 *
 * @throws ApiError 400 for a name that nobody may have.
 */
export async function createServiceAccount(
  users: Users,
  { username, createdBy }: Pick<UserToMake, 'username' | 'createdBy'>,
): Promise<User | undefined> {
  checkUsername(username);
  if ((await users.get(username)) !== undefined) {
    return undefined;
  }
  return addUser(users, { username, passwordHash: NO_PASSWORD, isAdmin: false, isService: true, createdBy });
}

/**
 * Changes the password of another user.
 *
 * @param change.mustChange - whether it is only good for choosing another.
 * @throws ApiError 400 saying which rule the new password breaks, and for a service account, which has none.
 */
export async function setPassword(
  users: Users,
  passwords: Passwords,
  user: User,
  { password, mustChange }: { readonly password: string; readonly mustChange: boolean },
): Promise<void> {
  refuseService(user);
  passwords.checkRules(password);
  await users.setPassword(user.id, await passwords.hash(password), mustChange);
}

function refuseService({ username, isService }: User): void {
  if (isService) {
    throw invalid(`User (username=${username}) is a service account, which has no password.`);
  }
}

/**
 * Changes a user's own password.
 *
 * @param change.current - the password so far, where the user was asked for it.
 * @param change.verify - tells whether that is the user's password.
 * @param change.keptSession - the session that goes on, where it is one that changes it.
 * @throws ApiError 400 if `current` is wrong, if the new one breaks a rule or is no other, or if the password was
 * changed meanwhile.
 */
export async function changeOwnPassword(
  users: Users,
  passwords: Passwords,
  user: User,
  {
    password,
    current,
    verify,
    keptSession,
  }: {
    readonly password: string;
    readonly current: string | undefined;
    readonly verify: (password: string) => Promise<boolean>;
    readonly keptSession: string | undefined;
  },
): Promise<void> {
  refuseService(user);
  passwords.checkRules(password);
  if (current !== undefined && !(await verify(current))) {
    throw invalid('Current password does not match.');
  }
  // A user who was not asked for the current password has proved it with the request, and may send it as the new one.
  const isSame =
    current === undefined
      ? user.mustChangePassword && (await passwords.verify(password, user.passwordHash))
      : password === current;
  if (isSame) {
    throw invalid('New password must differ from the current password.');
  }
  // In place of the one that was proved. Hashing takes a while: a user who changes the password over and over must
  // not undo what an admin sets meanwhile to shut that user out.
  const hash = await passwords.hash(password);
  if (!(await users.changePassword(user.id, user.passwordHash, hash, keptSession))) {
    throw invalid('Your password has been changed meanwhile. Sign in with the new one.');
  }
}

/**
 * Makes a user an admin, or no longer one.
 *
 * @throws ApiError 400 if that would leave no admin, or make one of a user with a default password.
 */
export async function setAdmin(
  users: Users,
  passwords: Passwords,
  user: User,
  isAdmin: boolean,
): Promise<void> {
  if (isAdmin && !user.isAdmin) {
    await refuseKnownPassword(passwords, user);
  }
  await users.setAdmin(user.id, isAdmin);
}

/**
 * Disables a user, or enables one again. A user who is disabled is refused with every credential and loses nothing.
 *
 * @throws ApiError 400 if that would leave no admin who may sign in.
 */
export async function setActive(users: Users, user: Pick<User, 'id'>, isActive: boolean): Promise<void> {
  await users.setActive(user.id, isActive);
}

/**
 * Makes an admin of the user of this name, who is added if missing.
 *
 * @param passwordHash - the password to have from now on; undefined for a user who keeps the one there is.
 * @returns what was done; `missing` if there is no user who could keep a password.
 * @throws ApiError 400 for a name that nobody may have, for a default password that would be kept, or for a service account
 * that would get one.
 */
export async function makeAdmin(
  users: Users,
  passwords: Passwords,
  username: string,
  passwordHash: string | undefined,
): Promise<'added' | 'promoted' | 'missing'> {
  const user = await users.get(username);
  if (user === undefined) {
    if (passwordHash === undefined) {
      return 'missing';
    }
    await addUser(users, { username, passwordHash, isAdmin: true });
    return 'added';
  }
  if (passwordHash === undefined) {
    await refuseKnownPassword(passwords, user);
  } else {
    refuseService(user);
    // Before the flag: nobody who knows an old password is to be an admin for a moment.
    await users.setPassword(user.id, passwordHash);
  }
  await users.setAdmin(user.id, true);
  return 'promoted';
}

/** A user who was taken over from MLflow may still have one, which was harmless so far (CVE-2026-2635). */
async function refuseKnownPassword(passwords: Passwords, user: User): Promise<void> {
  if (await passwords.isKnown(user.passwordHash)) {
    throw invalid(
      `User (username=${user.username}) has a default password that everyone knows. Change it before you make them an admin.`,
    );
  }
}

/**
 * Deletes a user with grants, memberships and ownerships.
 *
 * @param by - the user who deletes.
 * @param heritage - what another user is to manage from then on.
 * @throws ApiError 400 if that would leave no admin, or if it is `by` who would be deleted.
 */
export async function deleteUser(
  changing: Pick<Changing, 'atOnce'>,
  user: Pick<User, 'id'>,
  by: Pick<User, 'id'>,
  heritage?: { readonly to: Pick<User, 'id'>; readonly things: readonly GrantTarget[] },
): Promise<void> {
  if (user.id === by.id) {
    throw new ApiError(
      'BAD_REQUEST',
      'Users cannot delete their own account. Ask another admin to delete this user instead.',
    );
  }
  await changing.atOnce(async ({ users, grants }) => {
    if (heritage !== undefined) {
      await hand(grants, heritage.to.id, heritage.things);
    }
    await users.remove(user.id);
  });
}

async function hand(grants: Changing['grants'], to: number, things: readonly GrantTarget[]): Promise<void> {
  for (const { type, id } of things) {
    if (!(await grants.create(to, type, id, 'MANAGE'))) {
      await grants.update(to, type, id, 'MANAGE');
    }
  }
}
