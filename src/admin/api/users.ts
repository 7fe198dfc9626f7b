import { z } from 'zod';
import type { ReadingStore } from '../../audit/changing.ts';
import { alreadyExists, invalid } from '../../errors.ts';
import type { Passwords } from '../../identity/password.ts';
import type { SignedIn } from '../../identity/principal.ts';
import { scopeJson } from '../../policy/ceiling.ts';
import { mayDoEverything } from '../../policy/decide.ts';
import type { Permission } from '../../policy/permissions.ts';
import type { Reply } from '../../reply.ts';
import type { OwnGrant } from '../../store/grants.ts';
import type { User } from '../../store/types.ts';
import { rolesVisibleTo } from '../deeds/held-roles.ts';
import { neighboursOf } from '../deeds/neighbours.ts';
import { ownRole } from '../deeds/own-role.ts';
import { leftWithout } from '../deeds/preview.ts';
import { createServiceAccount, createUser, deleteUser, setActive, setAdmin } from '../deeds/users.ts';
import { type Call, callerOf, DONE } from '../handler.ts';
import { anyText, bodyOf, existingUser, flag, queryOf, text, yesOrNo } from './parameters.ts';
import { FAMILIES, namesOf } from './permission-families.ts';
import { targetJson } from './preview.ts';
import { roleJson } from './role-json.ts';

export interface UserParts {
  readonly store: ReadingStore;
  readonly passwords: Passwords;
  /** What a user who holds no grant may do. */
  readonly defaultPermission: Permission;
  readonly listUsersTo: ListUsersTo;
}

/** To whom all users are listed. */
export type ListUsersTo = 'everyone' | 'admins';

/** Users: MLflow's own API of both generations, and the list of all users that it lacks. */
export function userHandlers(parts: UserParts) {
  const { store, passwords, defaultPermission } = parts;
  const { users } = store;
  const existing = (name: string): Promise<User> => existingUser(users, name);

  async function withPermissions(user: User) {
    return { ...detailJson(user), ...permissionsOf(user.id, await store.grants.forUser(user.id)) };
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

    'users.listWithPermissions': () => everybodyWithPermissions(store),
    'users.list': (call: Call): Promise<Reply> => everybodyWithRoles(parts, callerOf(call)),

    async 'users.current'(call: Call): Promise<Reply> {
      const caller = callerOf(call);
      const user = {
        ...userJson(await existing(caller.username)),
        // By a token that is confined to less, an admin is none.
        is_admin: mayDoEverything(caller),
        must_change_password: caller.mustChangePassword,
      };
      return { body: { user, is_basic_auth: true, credential: credentialJson(caller) } };
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
      const { username, give_to: to } = bodyOf(call, { username: text, give_to: text.nullish() });
      const user = await existing(username);
      const left = await leftWithout(store, username, defaultPermission);
      if (typeof to !== 'string') {
        await deleteUser(call.changing, user, callerOf(call));
        return left.length === 0 ? DONE : { body: { left_without_manager: left.map(targetJson) } };
      }
      if (to === username) {
        throw invalid('Give it to another user than the one who is deleted.');
      }
      await deleteUser(call.changing, user, callerOf(call), { to: await existing(to), things: left });
      return { body: { given: left.map(targetJson) } };
    },
  };
}

async function everybodyWithPermissions({ users, grants }: ReadingStore): Promise<Reply> {
  const [all, held] = await Promise.all([users.list(), grants.forUsers()]);
  const shown = all.map((user) => ({
    ...detailJson(user),
    ...permissionsOf(user.id, held.get(user.id) ?? []),
  }));
  return { body: { users: shown } };
}

/** Names, as reviewers are chosen among them; roles only as far as the viewer may see them. */
async function everybodyWithRoles(
  { store, defaultPermission, listUsersTo }: UserParts,
  viewer: SignedIn,
): Promise<Reply> {
  const [all, grants, roles, visible] = await Promise.all([
    store.users.list(),
    store.grants.forUsers(),
    store.roles.byUser(),
    rolesVisibleTo(store, viewer, defaultPermission),
  ]);
  const isListed = listUsersTo === 'everyone' ? () => true : neighboursOf(viewer);
  const shown = all.flatMap((user) => {
    const own = ownRole(user, grants.get(user.id) ?? []);
    const held = [...(own === undefined ? [] : [own]), ...(roles.get(user.id) ?? [])];
    return isListed(user.id, held)
      ? [{ ...userJson(user), roles: visible(user.id, held).map(roleJson) }]
      : [];
  });
  return { body: { users: shown } };
}

/** Reads the user that is to be made. */
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

/** By what a caller has signed in, what that may do at most, and until when. */
function credentialJson({ credential: { kind, id, expiresAt }, ceiling }: SignedIn) {
  return { kind, id: id ?? null, scope: scopeJson(ceiling), expires_at: expiresAt ?? null };
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
