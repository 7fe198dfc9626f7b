import { z } from 'zod';
import { ApiError, alreadyExists, invalid } from '../errors.ts';
import type { Passwords } from '../identity/password.ts';
import { OWN_ROLE_PREFIX } from '../policy/own-role.ts';
import type { Store } from '../store/index.ts';
import type { User } from '../store/types.ts';
import { bodyOf, type Call, callerOf, type Handlers, queryOf, text } from './handler.ts';
import { rolesVisibleTo } from './held-roles.ts';
import { existingUser } from './parameters.ts';
import { FAMILIES, namesOf } from './permission-families.ts';
import { ownRole, roleJson } from './role-json.ts';

const username = z.string({ error: 'it must be a string' });
const password = z.string({ error: 'it must be a string' });
const MAX_USERNAME_LENGTH = 255;

/** A name that HTTP basic can carry and that every log can show (RFC 7617: no colon, no control characters). */
const USERNAME = /^[^\p{C}:]+$/u;
/** MLflow's UI signs out by signing in as such a user, and expects a 401. */
const RESERVED = new RegExp(`^(?:mlflow-logged-out|${OWN_ROLE_PREFIX})`);

/** The version of the MLflow behind the gateway, if it can be told. */
export type MlflowVersion = () => Promise<string | undefined>;

/** Users: MLflow's own API of both generations, and the list of all users that it lacks. */
export function userHandlers(store: Store, passwords: Passwords, mlflowVersion: MlflowVersion): Handlers {
  const existing = (name: string): Promise<User> => existingUser(store, name);

  async function withPermissions(user: User) {
    return { ...brief(user), ...permissionsOf(user.id, await store.grants.forUser(user.id)) };
  }

  /** MLflow's clients do from 3.13 on; one that does not say its version is taken to be of the server's. */
  async function sendsCurrentPassword({ headers }: Call): Promise<boolean> {
    const said = /^mlflow-python-client\/(\d\S*)/.exec(headers['user-agent'] ?? '')?.[1];
    if (said !== undefined && asksForNoPassword(said)) return false;
    const version = await mlflowVersion().catch(() => undefined);
    return version === undefined || !asksForNoPassword(version);
  }

  return {
    async 'users.create'(call) {
      const body = bodyOf(call, { username, password });
      const user = await makeUser(store, passwords, body);
      if (user === undefined) throw alreadyExists(`User (username=${body.username}) already exists.`);
      return { user: await withPermissions(user) };
    },

    async 'users.get'(call) {
      return { user: await withPermissions(await existing(queryOf(call, { username: text }).username)) };
    },

    async 'users.listWithPermissions'() {
      const grants = await store.grants.forUsers();
      const users = await store.users.list();
      return {
        users: users.map((user) => ({
          ...brief(user),
          ...permissionsOf(user.id, grants.get(user.id) ?? []),
        })),
      };
    },

    /** Everybody's names, as reviewers are chosen among them; roles only of those whose roles the caller may see. */
    async 'users.list'(call) {
      const [users, grants, roles, visible] = await Promise.all([
        store.users.list(),
        store.grants.forUsers(),
        store.roles.byUser(),
        rolesVisibleTo(store, callerOf(call)),
      ]);
      const held = (user: User) => {
        const own = ownRole(user, grants.get(user.id) ?? []);
        return [...(own === undefined ? [] : [own]), ...(roles.get(user.id) ?? [])];
      };
      return {
        users: users.map((user) => ({ ...brief(user), roles: visible(user.id, held(user)).map(roleJson) })),
      };
    },

    'users.current'(call) {
      const { id, username, isAdmin } = callerOf(call);
      return { user: { id, username, is_admin: isAdmin }, is_basic_auth: true };
    },

    async 'users.updatePassword'(call) {
      const body = bodyOf(call, { username: text, password, current_password: password.nullish() });
      const user = await existing(body.username);
      const isSelf = user.id === callerOf(call).id;
      const current = body.current_password ?? undefined;
      // A page left open must not suffice to lock its user out. The clients of older versions never send the
      // current password; they have proved it with this very request.
      if (isSelf && !current && (call.path.startsWith('/ajax-api/') || (await sendsCurrentPassword(call)))) {
        throw invalid('Current password is required when changing your own password.');
      }
      passwords.checkRules(body.password);
      if (isSelf && current !== undefined) {
        if (!(await passwords.verify(current, user.passwordHash))) {
          throw invalid('Current password does not match.');
        }
        if (body.password === current) {
          throw invalid('New password must differ from the current password.');
        }
      }
      const hash = await passwords.hash(body.password);
      // In place of the one that was proved: hashing takes a while, and whoever changes their password over and over
      // must not undo what an admin sets meanwhile to shut them out.
      if (!isSelf) await store.users.setPassword(user.id, hash);
      else if (!(await store.users.replacePasswordHash(user.id, user.passwordHash, hash))) {
        throw invalid('Your password has been changed meanwhile. Sign in with the new one.');
      }
      return {};
    },

    async 'users.updateAdmin'(call) {
      const body = bodyOf(call, {
        username: text,
        is_admin: z.boolean({ error: 'it must be true or false' }),
      });
      const user = await existing(body.username);
      // Whoever was taken over from MLflow may still have one, which was harmless so far (CVE-2026-2635).
      if (body.is_admin && !user.isAdmin && (await passwords.isKnown(user.passwordHash))) {
        throw invalid(
          `User (username=${user.username}) has a default password that everyone knows. Change it before you make them an admin.`,
        );
      }
      await store.users.setAdmin(user.id, body.is_admin);
      return {};
    },

    async 'users.delete'(call) {
      const name = bodyOf(call, { username: text }).username;
      const user = await existing(name);
      if (user.id === callerOf(call).id) {
        throw new ApiError(
          'BAD_REQUEST',
          'Users cannot delete their own account. Ask another admin to delete this user instead.',
        );
      }
      await store.users.remove(user.id);
      return {};
    },
  };
}

/** @throws ApiError 400 for a name that nobody could sign in with, or that MLflow's UI gives another meaning. */
export function checkUsername(name: string): void {
  if (name.trim() === '') throw invalid('Username cannot be empty.');
  if (name.length > MAX_USERNAME_LENGTH)
    throw invalid(`Username cannot be longer than ${MAX_USERNAME_LENGTH} characters.`);
  if (!USERNAME.test(name) || name !== name.trim()) {
    throw invalid('Username cannot have colons, control characters, or spaces around it.');
  }
  if (RESERVED.test(name)) throw invalid('Username is reserved. Choose another.');
}

function brief({ id, username, isAdmin }: User) {
  return { id, username, is_admin: isAdmin };
}

interface UserGrant {
  readonly resourceType: string;
  readonly resourcePattern: string;
  readonly permission: string;
}

/** The clients of MLflow 3.9 to 3.12 read no user without `scorer_permissions`. */
function permissionsOf(userId: number, grants: readonly UserGrant[]) {
  const lists: Record<string, readonly unknown[]> = {};
  for (const family of FAMILIES) {
    if (family.list === undefined) continue;
    lists[family.list] = grants
      .filter(({ resourceType }) => resourceType === family.kind)
      .map(({ resourcePattern, permission }) => ({
        ...namesOf(family, resourcePattern),
        permission,
        user_id: userId,
      }));
  }
  return lists;
}

/**
 * Makes a user who is no admin; undefined if somebody has the name.
 *
 * @throws ApiError 400 for a name or password that nobody may have.
 */
export async function makeUser(
  store: Store,
  passwords: Passwords,
  { username, password }: { readonly username: string; readonly password: string },
): Promise<User | undefined> {
  if (username === '' || password === '') throw invalid('Username and password cannot be empty.');
  checkUsername(username);
  passwords.checkRules(password);
  if ((await store.users.get(username)) !== undefined) return undefined;
  return store.users.create({ username, passwordHash: await passwords.hash(password), isAdmin: false });
}

/** Until 3.13 MLflow did not ask whoever changes their own password for the current one. */
function asksForNoPassword(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < 3 || (major === 3 && minor < 13);
}
