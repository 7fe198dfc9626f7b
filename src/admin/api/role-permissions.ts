import type { ReadingStore } from '../../audit/changing.ts';
import { alreadyExists, notFound } from '../../errors.ts';
import { patternProblem } from '../../policy/grantable.ts';
import type { Reply } from '../../reply.ts';
import type { RolePermission } from '../../store/roles.ts';
import { ofRoles } from '../contract/grants.ts';
import { changeGrantOfRole, grantToRole, revokeFromRole } from '../deeds/roles.ts';
import { type Call, DONE } from '../handler.ts';
import { existingRole, roleIdIn } from './existing-role.ts';
import { checkNameable, permissionOn, refuse } from './grants.ts';
import { bodyOf, integer, queryOf } from './parameters.ts';
import { permissionJson } from './role-json.ts';

/**
 * What roles grant, in the API of MLflow 3.17.
 *
 * @see mlflow/server/auth/__init__.py (`add_role_permission` and those after it)
 */
export function rolePermissionHandlers(store: ReadingStore) {
  return {
    async 'rolePermissions.add'(call: Call): Promise<Reply> {
      const body = bodyOf(call, ofRoles['rolePermissions.add'].body);
      const roleId = roleIdIn(body);
      const target = { type: body.resource_type, id: body.resource_pattern };
      const permission = permissionOn(target.type, body.permission);
      refuse(patternProblem(target.type, target.id));
      checkNameable(target, 'resource_pattern');
      const added = await grantToRole(call.changing.roles, roleId, target, permission);
      if (added === undefined) {
        throw alreadyExists(
          `Role permission (role_id=${roleId}, resource_type=${target.type}, resource_pattern=${target.id}) already exists.`,
        );
      }
      return { body: { role_permission: permissionJson(added) } };
    },

    async 'rolePermissions.remove'(call: Call): Promise<Reply> {
      const permission = await existingPermission(
        store,
        permissionIdIn(bodyOf(call, ofRoles['rolePermissions.remove'].body)),
      );
      if (!(await revokeFromRole(call.changing.roles, permission))) {
        throw missingPermission(permission.id);
      }
      return DONE;
    },

    async 'rolePermissions.update'(call: Call): Promise<Reply> {
      const body = bodyOf(call, ofRoles['rolePermissions.update'].body);
      const granted = await existingPermission(store, permissionIdIn(body));
      const permission = permissionOn(granted.resourceType, body.permission);
      const updated = await changeGrantOfRole(call.changing.roles, granted, permission);
      if (updated === undefined) {
        throw missingPermission(granted.id);
      }
      return { body: { role_permission: permissionJson(updated) } };
    },

    async 'rolePermissions.list'(call: Call): Promise<Reply> {
      const { permissions } = await existingRole(
        store,
        roleIdIn(queryOf(call, ofRoles['rolePermissions.list'].query)),
      );
      return { body: { role_permissions: permissions.map(permissionJson) } };
    },
  };
}

/** @throws ApiError 404 in MLflow's words. */
async function existingPermission(store: ReadingStore, id: number): Promise<RolePermission> {
  const found = await store.roles.getPermission(id);
  if (found === undefined) {
    throw missingPermission(id);
  }
  return found;
}

function permissionIdIn({ role_permission_id }: { readonly role_permission_id: unknown }): number {
  return integer('role_permission_id', role_permission_id);
}

const missingPermission = (id: number) => notFound(`Role permission with id=${id} not found`);
