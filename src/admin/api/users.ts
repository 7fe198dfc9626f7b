import type { z } from 'zod';
import type { ReadingStore } from '../../audit/changing.ts';
import { alreadyExists, invalid, missingParameter } from '../../errors.ts';
import type { Passwords } from '../../identity/password.ts';
import type { SignedIn } from '../../identity/principal.ts';
import type { Workspaces } from '../../mlflow/things/workspaces.ts';
import { scopeJson } from '../../policy/ceiling.ts';
import { mayDoEverything } from '../../policy/decide.ts';
import type { Permission } from '../../policy/permissions.ts';
import type { Reply } from '../../reply.ts';
import type { OwnGrant } from '../../store/grants.ts';
import type { Role } from '../../store/roles.ts';
import type { User } from '../../store/types.ts';
import { ofUsers } from '../contract/users.ts';
import { rolesVisibleTo } from '../deeds/held-roles.ts';
import { type ListUsersTo, neighboursOf, seesEverybody } from '../deeds/neighbours.ts';
import { type OwnPasswordParts, ownPassword } from '../deeds/own-password.ts';
import { ownRole } from '../deeds/own-role.ts';
import { leftWithout } from '../deeds/preview.ts';
import { createServiceAccount, createUser, deleteUser, setActive, setAdmin } from '../deeds/users.ts';
import { type Call, callerOf, DONE } from '../handler.ts';
import { pageAskedIn, pageOf } from './paging.ts';
import { bodyOf, existingUser, filtersOf, queryOf } from './parameters.ts';
import { FAMILIES, namesOf } from './permission-families.ts';
import { targetJson } from './preview.ts';
import { roleJson } from './role-json.ts';

export interface UserParts extends OwnPasswordParts {
  readonly store: ReadingStore;
  readonly passwords: Passwords;
  /** What a user who holds no grant may do. */
  readonly defaultPermission: Permission;
  readonly listUsersTo: ListUsersTo;
  readonly workspaces: Pick<Workspaces, 'areOn'>;
}

/** Whether MLflow is known to have workspaces. It was asked on the way of the request, and is not waited for here. */
function areOn({ workspaces }: Pick<UserParts, 'workspaces'>): boolean {
  const on = workspaces.areOn();
  if (on instanceof Promise) {
    on.catch(() => undefined);
    return false;
  }
  return on;
}

/** Users: MLflow's own API of both generations, and the list of all users that it lacks. */
export function userHandlers(parts: UserParts) {
  const { store, passwords, defaultPermission } = parts;
  const existing = (name: string): Promise<User> => existingUser(store.users, name);

  async function withPermissions(user: User) {
    return { ...detailJson(user), ...permissionsOf(user.id, await store.grants.forUser(user.id)) };
  }

  return {
    async 'users.create'(call: Call): Promise<Reply> {
      const asked = bodyOf(call, ofUsers['users.create'].body);
      const createdBy = callerOf(call).username;
      const user =
        asked.is_service === true
          ? await createServiceAccount(call.changing.users, { username: serviceNameIn(asked), createdBy })
          : await createUser(call.changing.users, passwords, { ...newUserIn(asked), createdBy });
      if (user === undefined) {
        throw alreadyExists(`User (username=${asked.username}) already exists.`);
      }
      return { body: { user: await withPermissions(user) } };
    },

    async 'users.get'(call: Call): Promise<Reply> {
      const { username } = queryOf(call, ofUsers['users.get'].query);
      const user = await existing(username);
      const identities = await identitiesOf(store, user);
      return { body: { user: { ...(await withPermissions(user)), identities } } };
    },

    'users.listWithPermissions': () => everybodyWithPermissions(store),
    'users.list': (call: Call): Promise<Reply> => everybodyWithRoles(parts, callerOf(call)),

    'users.search': (call: Call): Promise<Reply> => namesLike(parts, call),

    'users.current': (call: Call): Promise<Reply> => oneself(callerOf(call), parts),

    async 'users.updateAdmin'(call: Call): Promise<Reply> {
      const body = bodyOf(call, ofUsers['users.updateAdmin'].body);
      await setAdmin(call.changing.users, passwords, await existing(body.username), body.is_admin);
      return DONE;
    },

    async 'users.updateStatus'(call: Call): Promise<Reply> {
      const body = bodyOf(call, ofUsers['users.updateStatus'].body);
      await setActive(call.changing.users, await existing(body.username), body.is_active);
      return DONE;
    },

    async 'users.delete'(call: Call): Promise<Reply> {
      const { username, give_to: to } = bodyOf(call, ofUsers['users.delete'].body);
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

async function oneself(caller: SignedIn, parts: UserParts): Promise<Reply> {
  const own = await existingUser(parts.store.users, caller.username);
  const { isHere, providers } = await ownPassword(own, parts);
  const user = {
    ...userJson(own),
    // By a token that is confined to less, an admin is none.
    is_admin: mayDoEverything(caller),
    must_change_password: caller.mustChangePassword,
    has_password: isHere,
    providers,
  };
  const workspace = areOn(parts) ? parts.store.workspace : null;
  return { body: { user, is_basic_auth: true, workspace, credential: credentialJson(caller) } };
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
async function everybodyWithRoles(parts: UserParts, viewer: SignedIn): Promise<Reply> {
  const { store, defaultPermission } = parts;
  const [listed, visible] = await Promise.all([
    listedTo(parts, viewer),
    rolesVisibleTo(store, viewer, defaultPermission),
  ]);
  const shown = listed.map(({ user, held }) => ({
    ...userJson(user),
    roles: visible(user.id, held).map(roleJson),
  }));
  return { body: { users: shown } };
}

interface Listed {
  readonly user: User;
  readonly held: readonly Role[];
}

/** Those whom a viewer may know of, each with roles and own grants. */
async function listedTo({ store, listUsersTo }: UserParts, viewer: SignedIn): Promise<readonly Listed[]> {
  const [all, grants, roles] = await Promise.all([
    store.users.list(),
    store.grants.forUsers(),
    store.roles.byUser(),
  ]);
  const isListed = seesEverybody(listUsersTo, viewer) ? () => true : neighboursOf(viewer);
  return all.flatMap((user) => {
    const own = ownRole(user, grants.get(user.id) ?? []);
    const held = [...(own === undefined ? [] : [own]), ...(roles.get(user.id) ?? [])];
    return isListed(user.id, held) ? [{ user, held }] : [];
  });
}

/** One page of the names that hold a text; what everybody holds is read only where it says who is listed. */
async function namesLike(parts: UserParts, call: Call): Promise<Reply> {
  const { contains = '' } = filtersOf(call, ofUsers['users.search'].query);
  const page = pageAskedIn(call, 'string');
  const after = page.after === undefined ? undefined : String(page.after[0]);
  const viewer = callerOf(call);
  const isOpen = seesEverybody(parts.listUsersTo, viewer);
  const all = isOpen
    ? await parts.store.users.list()
    : (await listedTo(parts, viewer)).map(({ user }) => user);
  const sought = contains.normalize('NFKC').toLowerCase();
  const rows = all
    .filter(({ username }) => username.normalize('NFKC').toLowerCase().includes(sought))
    .filter(({ username }) => after === undefined || username > after)
    .toSorted((one, other) => (one.username < other.username ? -1 : 1))
    .slice(0, page.max + 1);
  const { shown, next } = pageOf(rows, page, ({ username }) => [username]);
  return { body: { users: shown.map(userJson), ...next } };
}

type UserAsked = z.infer<z.ZodObject<(typeof ofUsers)['users.create']['body']>>;

/** @throws ApiError 400 for a user without a password. */
function newUserIn({ username, password, must_change_password: mustChangePassword }: UserAsked) {
  if (typeof password !== 'string') {
    throw missingParameter('password');
  }
  return { username, password, mustChangePassword: mustChangePassword ?? false };
}

/** @throws ApiError 400 for a service account that is to have a password. */
function serviceNameIn({ username, password, must_change_password: mustChangePassword }: UserAsked): string {
  if (typeof password === 'string' || mustChangePassword === true) {
    throw invalid('A service account has no password: it signs in by tokens alone.');
  }
  return username;
}

/** What everybody may know of a user. */
function userJson({ id, username, isAdmin, isService, isActive }: User) {
  return { id, username, is_admin: isAdmin, is_service: isService, is_active: isActive };
}

/** By what a caller has signed in, what that may do at most, and until when. */
function credentialJson({ credential: { kind, id, expiresAt }, ceiling }: SignedIn) {
  return { kind, id: id ?? null, scope: scopeJson(ceiling), expires_at: expiresAt ?? null };
}

/** What providers of single sign-on call a user. */
async function identitiesOf({ identities }: Pick<ReadingStore, 'identities'>, { id }: User) {
  return (await identities.ofUser(id)).map(({ issuer, subject }) => ({ issuer, subject }));
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
