import type { Role, RoleMember, RolePermission } from '../../store/roles.ts';

/** A role as MLflow 3.17's API shows it. */
export function roleJson({ id, name, workspace, description, group, permissions }: Role) {
  return {
    id,
    name,
    workspace,
    description: description ?? null,
    // MLflow's clients leave alone what they do not know.
    ...(group !== undefined && { provider_group: group }),
    permissions: permissions.map(permissionJson),
  };
}

/** A grant of a role. */
export function permissionJson({ id, roleId, resourceType, resourcePattern, permission }: RolePermission) {
  return {
    id,
    role_id: roleId,
    resource_type: resourceType,
    resource_pattern: resourcePattern,
    permission,
  };
}

/** A membership. */
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
