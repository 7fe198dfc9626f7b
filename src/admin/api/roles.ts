import { z } from 'zod';
import type { ReadingStore } from '../../audit/changing.ts';
import { alreadyExists, invalid, notFound } from '../../errors.ts';
import { patternProblem } from '../../policy/grantable.ts';
import type { Reply } from '../../reply.ts';
import type { Role, RolePermission } from '../../store/roles.ts';
import { rolesHeld, rolesVisibleTo, visibleRolesOf } from '../deeds/held-roles.ts';
import { ownRole, ownRoleId } from '../deeds/own-role.ts';
import {
  assign,
  changeGrantOfRole,
  createRole,
  deleteRole,
  grantToRole,
  revokeFromRole,
  unassign,
  updateRole,
} from '../deeds/roles.ts';
import { type Call, callerOf, DONE } from '../handler.ts';
import { checkNameable, permissionOn, refuse } from './grants.ts';
import { anyText, anything, bodyOf, existingUser, integer, queryOf, text } from './parameters.ts';
import { assignmentJson, permissionJson, roleJson } from './role-json.ts';

const role = { role_id: anything };

/**
 * Roles of MLflow 3.17: named sets of grants. Users' own grants show among them as MLflow shows them, and are changed
 * through the other APIs alone.
 *
 * @see mlflow/server/auth/__init__.py (`create_role` and those after it)
 */
export function roleHandlers(store: ReadingStore) {
  async function existing(id: number): Promise<Role> {
    const found = id < 0 ? await ownRoleOf(ownRoleId(id)) : await store.roles.get(id);
    if (found === undefined) {
      throw missingRole(id);
    }
    return found;
  }

  async function ownRoleOf(userId: number): Promise<Role | undefined> {
    return ownRole({ id: userId }, await store.grants.forUser(userId));
  }

  async function existingPermission(id: number): Promise<RolePermission> {
    const found = await store.roles.getPermission(id);
    if (found === undefined) {
      throw missingPermission(id);
    }
    return found;
  }

  return {
    async 'roles.create'(call: Call): Promise<Reply> {
      const body = bodyOf(call, { name: anything, workspace: anything, description: z.unknown().optional() });
      const name = nameIn(body.name);
      if (typeof body.workspace !== 'string') {
        throw invalid('Workspace cannot be empty.');
      }
      const description = body.description ?? undefined;
      if (description !== undefined && typeof description !== 'string') {
        throw invalid('Role description must be a string or null.');
      }
      const created = await createRole(call.changing.roles, {
        name,
        workspace: body.workspace,
        ...(description !== undefined && { description }),
      });
      return { body: { role: roleJson(created) } };
    },

    async 'roles.get'(call: Call): Promise<Reply> {
      return { body: { role: roleJson(await existing(roleIdIn(queryOf(call, role)))) } };
    },

    async 'roles.list'(call: Call): Promise<Reply> {
      const workspaces = call.query.get('workspace');
      if (workspaces?.some((each) => each.trim() === '')) {
        throw invalid("Parameter 'workspace' must be a non-empty string when provided.");
      }
      const isVisible = await visibleRolesOf(store, callerOf(call));
      const own = [...(await store.grants.forUsers())].flatMap(
        ([id, grants]) => ownRole({ id }, grants) ?? [],
      );
      const asked = own.filter(({ workspace }) => workspaces?.includes(workspace) ?? true);
      const roles = [...(await store.roles.list(workspaces)), ...asked].filter(isVisible);
      return { body: { roles: roles.map(roleJson) } };
    },

    async 'roles.update'(call: Call): Promise<Reply> {
      const body = bodyOf(call, {
        ...role,
        name: z.unknown().optional(),
        description: z.unknown().optional(),
      });
      const id = roleIdIn(body);
      const name = body.name ?? undefined;
      const description = body.description ?? undefined;
      if (name === undefined && description === undefined) {
        throw invalid("At least one of 'name' or 'description' must be provided to update a role.");
      }
      if (description !== undefined && typeof description !== 'string') {
        throw invalid('Role description must be a string.');
      }
      const updated = await updateRole(call.changing.roles, id, {
        ...(name !== undefined && { name: nameIn(name) }),
        ...(description !== undefined && { description }),
      });
      if (updated === undefined) {
        throw missingRole(id);
      }
      return { body: { role: roleJson(updated) } };
    },

    async 'roles.delete'(call: Call): Promise<Reply> {
      const id = roleIdIn(bodyOf(call, role));
      if (!(await deleteRole(call.changing.roles, id))) {
        throw missingRole(id);
      }
      return DONE;
    },

    async 'rolePermissions.add'(call: Call): Promise<Reply> {
      const body = bodyOf(call, { ...role, resource_type: text, resource_pattern: text, permission: text });
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
        permissionIdIn(bodyOf(call, { role_permission_id: anything })),
      );
      await revokeFromRole(call.changing.roles, permission);
      return DONE;
    },

    async 'rolePermissions.update'(call: Call): Promise<Reply> {
      const body = bodyOf(call, { role_permission_id: anything, permission: text });
      const granted = await existingPermission(permissionIdIn(body));
      const permission = permissionOn(granted.resourceType, body.permission);
      const updated = await changeGrantOfRole(call.changing.roles, granted, permission);
      if (updated === undefined) {
        throw missingPermission(granted.id);
      }
      return { body: { role_permission: permissionJson(updated) } };
    },

    async 'rolePermissions.list'(call: Call): Promise<Reply> {
      const { permissions } = await existing(roleIdIn(queryOf(call, role)));
      return { body: { role_permissions: permissions.map(permissionJson) } };
    },

    async 'roles.assign'(call: Call): Promise<Reply> {
      const { user, roleId } = await membershipIn(call);
      const added = await assign(call.changing.roles, user, roleId);
      if (added === undefined) {
        throw alreadyExists(`User role assignment (user_id=${user.id}, role_id=${roleId}) already exists`);
      }
      return { body: { assignment: assignmentJson(added) } };
    },

    async 'roles.unassign'(call: Call): Promise<Reply> {
      const { user, roleId } = await membershipIn(call);
      if (!(await unassign(call.changing.roles, user, roleId))) {
        throw notFound(`User role assignment (user_id=${user.id}, role_id=${roleId}) not found`);
      }
      return DONE;
    },

    async 'roles.users'(call: Call): Promise<Reply> {
      const id = roleIdIn(queryOf(call, role));
      await existing(id);
      const userId = ownRoleId(id);
      const members = id < 0 ? [{ id, userId, username: '', roleId: id }] : await store.roles.members(id);
      return { body: { assignments: members.map(assignmentJson) } };
    },

    async 'userRoles.list'(call: Call): Promise<Reply> {
      const { username } = queryOf(call, { username: text });
      const user = await existingUser(store.users, username);
      const held = await rolesHeld(store, user.id);
      const visible = (await rolesVisibleTo(store, callerOf(call)))(user.id, held);
      return { body: { roles: visible.map(roleJson) } };
    },
  };

  async function membershipIn(call: Call) {
    const body = bodyOf(call, { username: anyText, ...role });
    const roleId = roleIdIn(body);
    return { user: await existingUser(store.users, body.username), roleId };
  }
}

function roleIdIn({ role_id }: { readonly role_id: unknown }): number {
  return integer('role_id', role_id);
}

function permissionIdIn({ role_permission_id }: { readonly role_permission_id: unknown }): number {
  return integer('role_permission_id', role_permission_id);
}

function nameIn(name: unknown): string {
  if (typeof name !== 'string') {
    throw invalid('Role name cannot be empty.');
  }
  return name;
}

const missingRole = (id: number) => notFound(`Role with id=${id} not found`);
const missingPermission = (id: number) => notFound(`Role permission with id=${id} not found`);
