import { ownRoleName } from '../policy/own-role.ts';
import { DEFAULT_WORKSPACE } from '../store/account.ts';
import type { OwnGrant } from '../store/grants.ts';
import type { Role, RoleMember, RolePermission } from '../store/roles.ts';
import type { User } from '../store/types.ts';

/**
 * A user's own grants as the role that MLflow 3.17 keeps them in: its API and its UI know grants of users as those
 * of a role named `__user_<id>__` with one member. Its id is that of the user below zero, so that no real
 * role has it. Undefined for a user without grants, who has no such role in MLflow either.
 */
export function ownRole({ id }: Pick<User, 'id'>, grants: readonly OwnGrant[]): Role | undefined {
  if (grants.length === 0) return undefined;
  const roleId = ownRoleId(id);
  return {
    id: roleId,
    name: ownRoleName(id),
    workspace: DEFAULT_WORKSPACE,
    description: undefined,
    permissions: grants.map(({ id: grantId, resourceType, resourcePattern, permission }) => ({
      id: grantId,
      roleId,
      resourceType,
      resourcePattern,
      permission,
    })),
  };
}

/** The id of a user's own role, and of the user of such a role. */
export const ownRoleId = (id: number): number => -id;

export function roleJson({ id, name, workspace, description, permissions }: Role) {
  return {
    id,
    name,
    workspace,
    description: description ?? null,
    permissions: permissions.map(permissionJson),
  };
}

export function permissionJson({ id, roleId, resourceType, resourcePattern, permission }: RolePermission) {
  return {
    id,
    role_id: roleId,
    resource_type: resourceType,
    resource_pattern: resourcePattern,
    permission,
  };
}

export function assignmentJson({ id, userId, roleId }: RoleMember) {
  return { id, user_id: userId, role_id: roleId };
}

/** Grants of roles as one flat list, each with the role it comes from. */
export function flatPermissions(roles: readonly Role[]) {
  return roles.flatMap(({ id, name, workspace, permissions }) =>
    permissions.map(({ resourceType, resourcePattern, permission }) => ({
      role_id: id,
      role_name: name,
      workspace,
      resource_type: resourceType,
      resource_pattern: resourcePattern,
      permission,
    })),
  );
}
