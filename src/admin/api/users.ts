import { z } from 'zod';
import type { ReadingStore } from '../../audit/changing.ts';
import { alreadyExists, denied, invalid } from '../../errors.ts';
import type { Passwords } from '../../identity/password.ts';
import type { Throttle } from '../../identity/throttle.ts';
import type { Reply } from '../../reply.ts';
import type { OwnGrant } from '../../store/grants.ts';
import type { User } from '../../store/types.ts';
import { rolesVisibleTo } from '../deeds/held-roles.ts';
import { ownRole } from '../deeds/own-role.ts';
import {
  changeOwnPassword,
  createServiceAccount,
  createUser,
  deleteUser,
  setActive,
  setAdmin,
  setPassword,
} from '../deeds/users.ts';
import { type Call, callerOf, DONE } from '../handler.ts';
import { anyText, bodyOf, existingUser, queryOf, text } from './parameters.ts';
import { FAMILIES, namesOf } from './permission-families.ts';
import { roleJson } from './role-json.ts';

/** The version of the MLflow behind the gateway, if it can be told. */
export type MlflowVersion = () => Promise<string | undefined>;

export interface UserParts {
  readonly store: ReadingStore;
  readonly passwords: Passwords;
  readonly throttle: Throttle;
  readonly mlflowVersion: MlflowVersion;
}

/** Users: MLflow's own API of both generations, and the list of all users that it lacks. */
export function userHandlers({ store, passwords, throttle, mlflowVersion }: UserParts) {
  const { users } = store;
  const existing = (name: string): Promise<User> => existingUser(users, name);

  async function withPermissions(user: User) {
    return { ...detailJson(user), ...permissionsOf(user.id, await store.grants.forUser(user.id)) };
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

  return {
    async 'users.create'(call: Call): Promise<Reply> {
      const { username, is_service: isService } = bodyOf(call, { username: anyText, is_service: flag });
      const createdBy = callerOf(call).username;
      const user =
        isService === true
          ? await createServiceAccount(call.changing.users, { username: serviceNameIn(call), createdBy })
          : await createUser(call.changing.users, passwords, { ...newUserIn(call), createdBy });
      if (user === undefined) {
        throw alreadyExists(`User (username=${username}) already exists.`);
      }
      return { body: { user: await withPermissions(user) } };
    },

    async 'users.get'(call: Call): Promise<Reply> {
      const { username } = queryOf(call, { username: text });
      return { body: { user: await withPermissions(await existing(username)) } };
    },

    async 'users.listWithPermissions'(): Promise<Reply> {
      const grants = await store.grants.forUsers();
      const all = await users.list();
      return {
        body: {
          users: all.map((user) => ({
            ...detailJson(user),
            ...permissionsOf(user.id, grants.get(user.id) ?? []),
          })),
        },
      };
    },

    /** Everybody's names, as reviewers are chosen among them; roles only of those whose roles the caller may see. */
    async 'users.list'(call: Call): Promise<Reply> {
      const [all, grants, roles, visible] = await Promise.all([
        users.list(),
        store.grants.forUsers(),
        store.roles.byUser(),
        rolesVisibleTo(store, callerOf(call)),
      ]);
      const held = (user: User) => {
        const own = ownRole(user, grants.get(user.id) ?? []);
        return [...(own === undefined ? [] : [own]), ...(roles.get(user.id) ?? [])];
      };
      return {
        body: {
          users: all.map((user) => ({
            ...userJson(user),
            roles: visible(user.id, held(user)).map(roleJson),
          })),
        },
      };
    },

    async 'users.current'(call: Call): Promise<Reply> {
      const { username, mustChangePassword } = callerOf(call);
      const user = { ...userJson(await existing(username)), must_change_password: mustChangePassword };
      return { body: { user, is_basic_auth: true } };
    },

    async 'users.updatePassword'(call: Call): Promise<Reply> {
      const body = bodyOf(call, {
        username: text,
        password: anyText,
        current_password: anyText.nullish(),
        must_change_password: flag,
      });
      const user = await existing(body.username);
      const caller = callerOf(call);
      if (user.id !== caller.id) {
        if (caller.mustChangePassword) {
          throw denied('Change your own password first.', 'must change the password first');
        }
        const mustChange = body.must_change_password ?? false;
        await setPassword(call.changing.users, passwords, user, { password: body.password, mustChange });
        return DONE;
      }
      const current = body.current_password ?? undefined;
      // A page left open must not suffice to lock its user out. The clients of older versions never send the
      // current password; they have proved it with this very request.
      if (!current && (call.path.startsWith('/ajax-api/') || (await sendsCurrentPassword(call)))) {
        throw invalid('Current password is required when changing your own password.');
      }
      await changeOwnPassword(call.changing.users, passwords, user, {
        password: body.password,
        current,
        // A page left open must not become a place to guess the password at either.
        verify: (guess) =>
          throttle.attempt({ username: user.username, ip: call.ip }, (rank) =>
            passwords.verify(guess, user.passwordHash, rank),
          ),
      });
      return DONE;
    },

    async 'users.updateAdmin'(call: Call): Promise<Reply> {
      const body = bodyOf(call, {
        username: text,
        is_admin: yesOrNo,
      });
      await setAdmin(call.changing.users, passwords, await existing(body.username), body.is_admin);
      return DONE;
    },

    async 'users.updateStatus'(call: Call): Promise<Reply> {
      const body = bodyOf(call, { username: text, is_active: yesOrNo });
      await setActive(call.changing.users, await existing(body.username), body.is_active);
      return DONE;
    },

    async 'users.delete'(call: Call): Promise<Reply> {
      const { username } = bodyOf(call, { username: text });
      await deleteUser(call.changing.users, await existing(username), callerOf(call));
      return DONE;
    },
  };
}

const yesOrNo = z.boolean({ error: 'it must be true or false' });
/** A parameter that is mostly left out. */
const flag = yesOrNo.nullish();

/** Reads who is to be made. */
function newUserIn(call: Call) {
  const body = bodyOf(call, { username: anyText, password: anyText, must_change_password: flag });
  const { username, password, must_change_password: mustChangePassword } = body;
  return { username, password, mustChangePassword: mustChangePassword ?? false };
}

/** @throws ApiError 400 for a service account that is to have a password. */
function serviceNameIn(call: Call): string {
  const body = bodyOf(call, {
    username: anyText,
    password: z.unknown().optional(),
    must_change_password: flag,
  });
  if ((body.password ?? undefined) !== undefined || body.must_change_password === true) {
    throw invalid('A service account has no password: it signs in by tokens alone.');
  }
  return body.username;
}

/** What everybody may know of a user. */
function userJson({ id, username, isAdmin, isService, isActive }: User) {
  return { id, username, is_admin: isAdmin, is_service: isService, is_active: isActive };
}

/** What the user and admins may know besides. */
function detailJson(user: User) {
  return {
    ...userJson(user),
    must_change_password: user.mustChangePassword,
    created_at: user.createdAt,
    created_by: user.createdBy ?? null,
  };
}

/** The clients of MLflow 3.9 to 3.12 read no user without `scorer_permissions`. */
function permissionsOf(userId: number, grants: readonly OwnGrant[]) {
  const lists: Record<string, readonly unknown[]> = {};
  for (const family of FAMILIES) {
    if (family.list === undefined) {
      continue;
    }
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

/** Until 3.13 MLflow did not ask for the current password of a user who changes it. */
function asksForNoPassword(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < 3 || (major === 3 && minor < 13);
}
