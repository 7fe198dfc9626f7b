import { ownRoleName } from '../../policy/own-role.ts';
import type { OwnGrant } from '../../store/grants.ts';
import type { Role } from '../../store/roles.ts';
import type { User } from '../../store/types.ts';
import { DEFAULT_WORKSPACE } from '../../store/workspace.ts';

/**
 * A user's own grants as the role that MLflow 3.17 keeps them in: its API and its UI know grants of users as those
 * of a role with a name of its own and one member. Undefined for a user without grants, who has no such role in
 * MLflow either.
 */
export function ownRole({ id }: Pick<User, 'id'>, grants: readonly OwnGrant[]): Role | undefined {
  if (grants.length === 0) {
    return undefined;
  }
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

/** The id of a user's own role: below zero, where no real role has one. Given such an id, the id of the user. */
export const ownRoleId = (id: number): number => -id;
