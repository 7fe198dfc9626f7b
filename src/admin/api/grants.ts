import { alreadyExists, invalid, notFound } from '../../errors.ts';
import { indexGrants } from '../../identity/accounts.ts';
import type { SignedIn } from '../../identity/principal.ts';
import { type Ceiling, holds } from '../../policy/ceiling.ts';
import { effectivePermission, holdingOf, mayDoEverything } from '../../policy/decide.ts';
import {
  isRootKind,
  patternProblem,
  permissionNamed,
  permissionProblem,
  typeProblem,
} from '../../policy/grantable.ts';
import { allows, type Permission } from '../../policy/permissions.ts';
import { ALL, type RootKind } from '../../policy/resources.ts';
import type { Reply } from '../../reply.ts';
import type { Role } from '../../store/roles.ts';
import type { User } from '../../store/types.ts';
import { ofGrants } from '../contract/grants.ts';
import { type GrantTarget, grant, isNameable, revoke, whyNotGrantable } from '../deeds/grants.ts';
import { rolesHeld, rolesVisibleTo } from '../deeds/held-roles.ts';
import { neighboursOf, seesEverybody } from '../deeds/neighbours.ts';
import { type Call, callerOf, DONE } from '../handler.ts';
import { bodyOf, existingUser, type Meeting, queryOf, userToMeet } from './parameters.ts';
import { flatPermissions } from './role-json.ts';

export interface GrantParts extends Meeting {
  /** What a user who holds no grant may do. */
  readonly defaultPermission: Permission;
}

/**
 * MLflow 3.17's grants of single users, one API for all kinds of resources; over the same grants as the classic one.
 *
 * @see mlflow/server/auth/__init__.py (`grant_user_permission` and those around it)
 */
export function grantHandlers(parts: GrantParts) {
  const { store, defaultPermission } = parts;
  return {
    async 'userPermissions.grant'(call: Call): Promise<Reply> {
      const body = bodyOf(call, ofGrants['userPermissions.grant'].body);
      const { username, resource_type: type, resource_id: id } = body;
      const user = await existingUser(store.users, username);
      refuseWorkspace(type);
      refuse(patternProblem(type, id));
      const permission = permissionOn(type, body.permission);
      checkGrantable({ type, id });
      if (!(await grant(call.changing.grants, user, { type, id }, permission))) {
        throw alreadyExists(`${labelOf(username, type, id)} already exists.`);
      }
      return DONE;
    },

    async 'userPermissions.revoke'(call: Call): Promise<Reply> {
      const asked = bodyOf(call, ofGrants['userPermissions.revoke'].body);
      const { username, resource_type: type, resource_id: id } = asked;
      const user = await userToMeet(parts, call, username);
      refuseWorkspace(type);
      refuse(typeProblem(type));
      if (user === undefined || !(await revoke(call.changing.grants, user, { type, id }))) {
        throw notFound(`${labelOf(username, type, id)} not found.`);
      }
      return DONE;
    },

    async 'userPermissions.get'(call: Call): Promise<Reply> {
      const asked = queryOf(call, ofGrants['userPermissions.get'].query);
      const { username, resource_type: type, resource_id: id } = asked;
      const user = await userToMeet(parts, call, username);
      checkGrantable({ type, id });
      const isAdmin =
        user?.isAdmin === true && (await meets(parts, callerOf(call), user, await rolesHeld(store, user.id)));
      const permission = isAdmin ? 'MANAGE' : await effective(parts, user, { type, id });
      return { body: { allowed: allows(permission, 'use'), permission } };
    },

    'userPermissions.list': (call: Call): Promise<Reply> =>
      permissionsOf(call, queryOf(call, ofGrants['userPermissions.list'].query).username),

    'userPermissions.current': (call: Call): Promise<Reply> => permissionsOf(call, callerOf(call).username),
  };

  async function permissionsOf(call: Call, username: string): Promise<Reply> {
    const user = await userToMeet(parts, call, username);
    if (user === undefined) {
      return { body: { is_admin: false, permissions: [] } };
    }
    const caller = callerOf(call);
    const held = await rolesHeld(store, user.id);
    const visible = (await rolesVisibleTo(store, caller, defaultPermission))(user.id, held);
    const isAdmin =
      user.id === caller.id
        ? mayDoEverything(caller)
        : user.isAdmin && (await meets(parts, caller, user, held));
    return { body: { is_admin: isAdmin, permissions: cutTo(flatPermissions(visible), caller.ceiling) } };
  }
}

/**
 * Whether a caller knows of a user: one who holds something on what the caller may change or manages. That another is an
 * admin would tell that there is such a user.
 */
async function meets(
  { store, listUsersTo, defaultPermission }: GrantParts,
  caller: SignedIn,
  { id }: User,
  held: readonly Role[],
): Promise<boolean> {
  return (
    seesEverybody(listUsersTo, caller) ||
    neighboursOf(caller)(id, held) ||
    (await rolesVisibleTo(store, caller, defaultPermission))(id, held).length > 0
  );
}

/** What a user may do to a resource by what they are granted, by the function that decides about requests. */
async function effective(
  { store, defaultPermission }: GrantParts,
  user: User | undefined,
  { type, id }: GrantTarget,
): Promise<Permission> {
  const grants = (user && (await store.account(user.username))?.grants) ?? [];
  const { on } = indexGrants(grants);
  const held = isRootKind(type)
    ? holdingOf({ isAdmin: false, ceiling: undefined, grantsOn: on }, { kind: type, id }, defaultPermission)
    : effectivePermission(
        grants.filter(({ resourceType }) => resourceType === type),
        defaultPermission,
      );
  return held.permission;
}

/** What is left of permissions by a credential that may do less than its user. */
function cutTo(
  permissions: ReturnType<typeof flatPermissions>,
  { access, resources }: Ceiling = {},
): ReturnType<typeof flatPermissions> {
  const shown = ({ resource_type: kind, resource_pattern: id }: (typeof permissions)[number]) =>
    resources === undefined || id === ALL || (isRootKind(kind) && holds(resources, { kind, id }));
  return permissions.filter(shown).map((each) => ({
    ...each,
    permission: access === 'read' && allows(each.permission, 'use') ? 'READ' : each.permission,
  }));
}

/**
 * Reads the permission that a grant on a type is to have.
 *
 * @throws ApiError 400 in MLflow's words.
 */
export function permissionOn(type: string, name: string): Permission {
  refuse(permissionProblem(name, type));
  const permission = permissionNamed(name);
  if (permission === undefined) {
    throw new Error(`a permission without a problem that cannot be read: ${name}`);
  }
  return permission;
}

/**
 * Holds a resource against what a single user can be granted something on.
 *
 * @throws ApiError 400 in MLflow's words.
 */
export function checkGrantable({ type, id }: GrantTarget): void {
  switch (whyNotGrantable({ type, id })) {
    case 'workspace':
      refuseWorkspace(type);
      break;
    case 'type':
      refuse(typeProblem(type));
      break;
    case 'inner':
      throw invalid(`resource_type '${type}' is not supported by the per-user permission convenience APIs.`);
    case 'id':
      checkNameable({ type, id }, 'resource_id');
      break;
    case undefined:
  }
}

/**
 * Holds an id against those that a request can name.
 *
 * @param parameter - what the caller sent it as.
 * @throws ApiError 400 in MLflow's words, where it has some.
 */
export function checkNameable({ type, id }: GrantTarget, parameter: string): void {
  if (id === ALL || !isRootKind(type) || isNameable(type, id)) {
    return;
  }
  throw invalid(notNameable(type, parameter));
}

function notNameable(type: RootKind, parameter: string): string {
  switch (type) {
    case 'scorer':
      return `Invalid scorer ${parameter}. Expected '<experiment_id>/<scorer_name>'.`;
    case 'skill':
      return `Invalid Skill Registry ${parameter}. Expected 'name' or '@organization/name'.`;
    default:
      return `Parameter '${parameter}' is not a valid ${type.replaceAll('_', ' ')} id.`;
  }
}

function refuseWorkspace(type: string): void {
  if (type === 'workspace') {
    throw invalid(
      "resource_type 'workspace' is not supported by the per-user permission convenience APIs. " +
        'Use set_workspace_permission / delete_workspace_permission for workspace-wide grants.',
    );
  }
}

/** @throws ApiError 400 if there is a problem. */
export function refuse(problem: string | undefined): void {
  if (problem !== undefined) {
    throw invalid(problem);
  }
}

const labelOf = (username: string, type: string, id: string) =>
  `Permission for user=${username} on resource_type=${type}, resource_id=${id}`;
