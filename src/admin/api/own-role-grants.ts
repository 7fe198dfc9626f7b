import type { ReadingStore } from '../../audit/changing.ts';
import { denied, notFound } from '../../errors.ts';
import { isOwnRole } from '../../policy/own-role.ts';
import { refuses } from '../../policy/permissions.ts';
import type { Reply } from '../../reply.ts';
import type { Role, RolePermission } from '../../store/roles.ts';
import { ofRoleGrants } from '../contract/role-grants.ts';
import { visibleRolesOf } from '../deeds/held-roles.ts';
import { type Call, callerOf, DONE } from '../handler.ts';
import { permissionOn } from './grants.ts';
import { bodyOf, integer } from './parameters.ts';

/** What a request is about: a role, and one thing that the caller manages. */
interface Asked {
  readonly role_id: unknown;
  readonly resource_type: string;
  readonly resource_id: string;
}

/**
 * Sharing one thing with a role, for whoever manages the thing and has the role. Its members know of the role and of all that
 * it grants already, so that nothing is told by it; a role that the caller may not see is refused as one that is not there. What
 * a role is denied is an admin's to change.
 */
export function ownRoleGrantHandlers(store: Pick<ReadingStore, 'roles' | 'grants'>) {
  return {
    async 'roleGrants.grant'(call: Call): Promise<Reply> {
      const body = bodyOf(call, ofRoleGrants['roleGrants.grant'].body);
      const { resource_type: type, resource_id: id } = body;
      const permission = permissionOn(type, body.permission);
      const { role, held } = await roleFor(call, body);
      const { roles } = call.changing;
      await (held === undefined
        ? roles.addPermission(role.id, type, id, permission)
        : roles.updatePermission(held.id, permission));
      return DONE;
    },

    async 'roleGrants.revoke'(call: Call): Promise<Reply> {
      const { role, held } = await roleFor(call, bodyOf(call, ofRoleGrants['roleGrants.revoke'].body));
      if (held === undefined || !(await call.changing.roles.removePermission(held.id))) {
        throw notFound(`Role ${role.name} was granted nothing on just this.`);
      }
      return DONE;
    },
  };

  /** @throws ApiError 403 for a role that the caller may not see, as for none, and for one that is denied the thing. */
  async function roleFor(
    call: Call,
    { role_id, resource_type: type, resource_id: pattern }: Asked,
  ): Promise<{ readonly role: Role; readonly held: RolePermission | undefined }> {
    const caller = callerOf(call);
    const id = integer('role_id', role_id);
    const role = await store.roles.get(id);
    const isVisible = await visibleRolesOf(store, caller);
    if (role === undefined || isOwnRole(role) || role.workspace !== caller.workspace || !isVisible(role)) {
      throw denied('You share with roles that you have yourself; an admin shares with every role.');
    }
    const held = role.permissions.find(
      (each) => each.resourceType === type && each.resourcePattern === pattern,
    );
    if (held !== undefined && refuses(held.permission)) {
      throw denied('The role is denied this. Only an admin may change that.');
    }
    return { role, held };
  }
}
