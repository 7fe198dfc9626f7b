import { invalid } from '../../errors.ts';
import { isRootKind, patternProblem, permissionProblem } from '../../policy/grantable.ts';
import { isOwnRole, OWN_ROLE_PREFIX } from '../../policy/own-role.ts';
import type { Permission } from '../../policy/permissions.ts';
import { ALL } from '../../policy/resources.ts';
import {
  missingRole,
  type Role,
  type RoleGroup,
  type RoleMember,
  type RolePermission,
  type Roles,
} from '../../store/roles.ts';
import type { User } from '../../store/types.ts';
import { DEFAULT_WORKSPACE } from '../../store/workspace.ts';
import { type GrantTarget, isNameable } from './grants.ts';

export type RoleNameProblem = 'empty' | 'reserved' | 'form';

/** As long as MLflow keeps one. */
const LONGEST_NAME = 255;
/** Characters that nobody sees, or that cut a line of a log or listing in two; halves of one that is none. */
const UNSEEN = /[\p{Cc}\p{Cs}\u2028\u2029]/u;

/** Why no role can have a name; undefined if one can. */
export function roleNameProblem(name: string): RoleNameProblem | undefined {
  if (name.trim() === '') {
    return 'empty';
  }
  if (name.startsWith(OWN_ROLE_PREFIX)) {
    return 'reserved';
  }
  return [...name].length > LONGEST_NAME || UNSEEN.test(name) ? 'form' : undefined;
}

function checkRoleName(name: string): void {
  switch (roleNameProblem(name)) {
    case 'empty':
      throw invalid('Role name cannot be empty.');
    case 'reserved':
      throw invalid(
        `Role name '${name}' uses the reserved '${OWN_ROLE_PREFIX}' prefix, ` +
          'which is held for the per-user permission representation. Choose a different name.',
      );
    case 'form':
      throw invalid(
        `A role name has at most ${LONGEST_NAME} characters, and no control characters or line breaks.`,
      );
    case undefined:
  }
}

/** @throws ApiError 400 if the name is taken in the workspace, or no role can have it. */
export async function createRole(
  roles: Roles,
  role: {
    readonly name: string;
    readonly workspace: string;
    readonly description?: string;
    readonly group?: RoleGroup;
  },
): Promise<Role> {
  checkRoleName(role.name);
  if (role.workspace.trim() === '') {
    throw invalid('Workspace cannot be empty.');
  }
  if (role.group !== undefined && role.workspace !== DEFAULT_WORKSPACE) {
    throw invalid(`Groups of a provider are roles of the workspace ${DEFAULT_WORKSPACE} alone.`);
  }
  return roles.create(role);
}

/**
 * Whether there is such a role to change. That of a user's own grants is none: renamed, emptied or without its member it would
 * no longer be what the user was granted, and taking a grant back would miss it.
 */
async function isThere(roles: Pick<Roles, 'get'>, id: number): Promise<boolean> {
  const role = await roles.get(id);
  return role !== undefined && !isOwnRole(role);
}

/**
 * Renames or describes a role; undefined if there is none.
 *
 * @throws ApiError 400 if another role has the name, or none can.
 */
export async function updateRole(
  roles: Roles,
  id: number,
  changes: { readonly name?: string; readonly description?: string },
): Promise<Role | undefined> {
  if (changes.name !== undefined) {
    checkRoleName(changes.name);
  }
  return (await isThere(roles, id)) ? roles.update(id, changes) : undefined;
}

/** Deletes a role with its grants and memberships; false if there is none. */
export async function deleteRole(roles: Roles, id: number): Promise<boolean> {
  return (await isThere(roles, id)) && roles.remove(id);
}

/**
 * Gives a role a grant; undefined if it holds one there already, whatever its permission.
 *
 * @throws ApiError 400 for what no role can be granted, 404 if there is no such role.
 */
export async function grantToRole(
  roles: Roles,
  roleId: number,
  { type, id }: GrantTarget,
  permission: Permission,
): Promise<RolePermission | undefined> {
  refuse(permissionProblem(permission, type) ?? patternProblem(type, id));
  if (id !== ALL && isRootKind(type) && !isNameable(type, id)) {
    throw invalid(`No request can name ${type} ${JSON.stringify(id)}.`);
  }
  if (!(await isThere(roles, roleId))) {
    throw missingRole(roleId);
  }
  return roles.addPermission(roleId, type, id, permission);
}

/**
 * Changes the permission of a role's grant; undefined if it is gone meanwhile.
 *
 * @throws ApiError 400 for a permission that means nothing on its type.
 */
export async function changeGrantOfRole(
  roles: Roles,
  { id, roleId, resourceType }: RolePermission,
  permission: Permission,
): Promise<RolePermission | undefined> {
  refuse(permissionProblem(permission, resourceType));
  return (await isThere(roles, roleId)) ? roles.updatePermission(id, permission) : undefined;
}

/** Takes a grant from a role; false if it is gone meanwhile. */
export async function revokeFromRole(roles: Roles, { id, roleId }: RolePermission): Promise<boolean> {
  return (await isThere(roles, roleId)) && roles.removePermission(id);
}

/**
 * Makes a user a member of a role; undefined if they are one already.
 *
 * @throws ApiError 404 if there is no such role; 400 if it is that of a user's own grants.
 */
export async function assign(
  roles: Roles,
  { id }: Pick<User, 'id'>,
  roleId: number,
): Promise<RoleMember | undefined> {
  const role = await roles.get(roleId);
  if (role !== undefined && isOwnRole(role)) {
    throw invalid(`Role '${role.name}' holds what one user was granted, and has no other members.`);
  }
  return roles.assign(id, roleId);
}

/** Ends a membership; false if there is none. */
export async function unassign(roles: Roles, { id }: Pick<User, 'id'>, roleId: number): Promise<boolean> {
  return (await isThere(roles, roleId)) && roles.unassign(id, roleId);
}

function refuse(problem: string | undefined): void {
  if (problem !== undefined) {
    throw invalid(problem);
  }
}
