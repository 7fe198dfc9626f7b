import { z } from 'zod';
import { alreadyExists, invalid, notFound } from '../errors.ts';
import { isRootKind, patternProblem, permissionProblem, readPermission } from '../policy/grantable.ts';
import { OWN_ROLE_PREFIX } from '../policy/own-role.ts';
import type { Permission } from '../policy/permissions.ts';
import { ALL } from '../policy/resources.ts';
import { DEFAULT_WORKSPACE } from '../store/account.ts';
import type { Store } from '../store/index.ts';
import type { Role, RolePermission } from '../store/roles.ts';
import { checkNameable } from './grants.ts';
import { bodyOf, type Call, callerOf, type Handlers, queryOf, text } from './handler.ts';
import { administeredBy, rolesHeld, rolesVisibleTo } from './held-roles.ts';
import { anything, existingUser, integer } from './parameters.ts';
import { assignmentJson, ownRole, ownRoleId, permissionJson, roleJson } from './role-json.ts';

const role = { role_id: anything };
const anyText = z.string({ error: 'it must be a string' });

/**
 * Roles of MLflow 3.17: named sets of grants. Users' own grants show among them as MLflow shows them, and are changed
 * through the other APIs alone.
 *
 * @see mlflow/server/auth/__init__.py (`create_role` and those after it)
 */
export function roleHandlers(store: Store): Handlers {
  async function existing(id: number): Promise<Role> {
    const found = id < 0 ? await ownRoleOf(-id) : await store.roles.get(id);
    if (found === undefined) throw missingRole(id);
    return found;
  }

  async function ownRoleOf(userId: number): Promise<Role | undefined> {
    return ownRole({ id: userId }, await store.grants.forUser(userId));
  }

  async function existingPermission(id: number): Promise<RolePermission> {
    const found = await store.roles.getPermission(id);
    if (found === undefined) throw notFound(`Role permission with id=${id} not found`);
    return found;
  }

  return {
    async 'roles.create'(call) {
      const body = bodyOf(call, { name: anything, workspace: anything, description: z.unknown().optional() });
      const name = roleName(body.name);
      if (typeof body.workspace !== 'string' || body.workspace.trim() === '') {
        throw invalid('Workspace cannot be empty.');
      }
      const description = body.description ?? undefined;
      if (description !== undefined && typeof description !== 'string') {
        throw invalid('Role description must be a string or null.');
      }
      const created = await store.roles.create({
        name,
        workspace: body.workspace,
        ...(description !== undefined && { description }),
      });
      return { role: roleJson(created) };
    },

    async 'roles.get'(call) {
      return { role: roleJson(await existing(roleIdIn(queryOf(call, role)))) };
    },

    async 'roles.list'(call) {
      const workspaces = call.query.get('workspace');
      if (workspaces?.some((each) => each.trim() === '')) {
        throw invalid("Parameter 'workspace' must be a non-empty string when provided.");
      }
      const caller = callerOf(call);
      const seesAll =
        caller.isAdmin || administeredBy(await rolesHeld(store, caller.id)).has(DEFAULT_WORKSPACE);
      const own = [...(await store.grants.forUsers())].flatMap(([id, grants]) =>
        seesAll || id === caller.id ? (ownRole({ id }, grants) ?? []) : [],
      );
      const shown = own.filter(({ workspace }) => workspaces?.includes(workspace) ?? true);
      return { roles: [...(await store.roles.list(workspaces)), ...shown].map(roleJson) };
    },

    async 'roles.update'(call) {
      const { role_id, name, description } = bodyOf(call, {
        ...role,
        name: z.unknown().optional(),
        description: z.unknown().optional(),
      });
      const id = integer('role_id', role_id);
      const newName = name ?? undefined;
      const newDescription = description ?? undefined;
      if (newName === undefined && newDescription === undefined) {
        throw invalid("At least one of 'name' or 'description' must be provided to update a role.");
      }
      if (newDescription !== undefined && typeof newDescription !== 'string') {
        throw invalid('Role description must be a string.');
      }
      const updated = await store.roles.update(id, {
        ...(newName !== undefined && { name: roleName(newName) }),
        ...(newDescription !== undefined && { description: newDescription }),
      });
      if (updated === undefined) throw missingRole(id);
      return { role: roleJson(updated) };
    },

    async 'roles.delete'(call) {
      const id = roleIdIn(bodyOf(call, role));
      if (!(await store.roles.remove(id))) throw missingRole(id);
      return {};
    },

    async 'rolePermissions.add'(call) {
      const body = bodyOf(call, {
        ...role,
        resource_type: text,
        resource_pattern: text,
        permission: text,
      });
      const id = integer('role_id', body.role_id);
      const { resource_type: type, resource_pattern: pattern } = body;
      const permission = grantable(body.permission, type);
      refuse(patternProblem(type, pattern));
      if (pattern !== ALL && isRootKind(type)) checkNameable(type, pattern, 'resource_pattern');
      const added = await store.roles.addPermission(id, type, pattern, permission);
      if (added === undefined) {
        throw alreadyExists(
          `Role permission (role_id=${id}, resource_type=${type}, resource_pattern=${pattern}) already exists.`,
        );
      }
      return { role_permission: permissionJson(added) };
    },

    async 'rolePermissions.remove'(call) {
      const id = permissionIdIn(bodyOf(call, { role_permission_id: anything }));
      await existingPermission(id);
      await store.roles.removePermission(id);
      return {};
    },

    async 'rolePermissions.update'(call) {
      const body = bodyOf(call, { role_permission_id: anything, permission: text });
      const { id, resourceType } = await existingPermission(permissionIdIn(body));
      const updated = await store.roles.updatePermission(id, grantable(body.permission, resourceType));
      if (updated === undefined) throw notFound(`Role permission with id=${id} not found`);
      return { role_permission: permissionJson(updated) };
    },

    async 'rolePermissions.list'(call) {
      const { permissions } = await existing(roleIdIn(queryOf(call, role)));
      return { role_permissions: permissions.map(permissionJson) };
    },

    async 'roles.assign'(call) {
      const { user, roleId } = await membershipIn(call);
      const added = await store.roles.assign(user.id, roleId);
      if (added === undefined) {
        throw alreadyExists(`User role assignment (user_id=${user.id}, role_id=${roleId}) already exists`);
      }
      return { assignment: assignmentJson(added) };
    },

    async 'roles.unassign'(call) {
      const { user, roleId } = await membershipIn(call);
      if (!(await store.roles.unassign(user.id, roleId))) {
        throw notFound(`User role assignment (user_id=${user.id}, role_id=${roleId}) not found`);
      }
      return {};
    },

    async 'roles.users'(call) {
      const id = roleIdIn(queryOf(call, role));
      await existing(id);
      const userId = ownRoleId(id);
      const members = id < 0 ? [{ id, userId, username: '', roleId: id }] : await store.roles.members(id);
      return { assignments: members.map(assignmentJson) };
    },

    async 'userRoles.list'(call) {
      const { username } = queryOf(call, { username: text });
      const user = await existingUser(store, username);
      const held = await rolesHeld(store, user.id);
      const visible = (await rolesVisibleTo(store, callerOf(call)))(user.id, held);
      return { roles: visible.map(roleJson) };
    },
  };

  async function membershipIn(call: Call) {
    const body = bodyOf(call, { username: anyText, ...role });
    const roleId = integer('role_id', body.role_id);
    return { user: await existingUser(store, body.username), roleId };
  }
}

function roleIdIn({ role_id }: { readonly role_id: unknown }): number {
  return integer('role_id', role_id);
}

function permissionIdIn({ role_permission_id }: { readonly role_permission_id: unknown }): number {
  return integer('role_permission_id', role_permission_id);
}

function roleName(name: unknown): string {
  if (typeof name !== 'string' || name.trim() === '') throw invalid('Role name cannot be empty.');
  if (name.startsWith(OWN_ROLE_PREFIX)) {
    throw invalid(
      `Role name '${name}' uses the reserved '${OWN_ROLE_PREFIX}' prefix, ` +
        'which is held for the per-user permission representation. Choose a different name.',
    );
  }
  return name;
}

function grantable(permission: string, type: string): Permission {
  refuse(permissionProblem(permission, type));
  const read = readPermission(permission);
  if (read === undefined)
    throw new Error(`a permission without a problem that cannot be read: ${permission}`);
  return read;
}

function refuse(problem: string | undefined): void {
  if (problem !== undefined) throw invalid(problem);
}

const missingRole = (id: number) => notFound(`Role with id=${id} not found`);
