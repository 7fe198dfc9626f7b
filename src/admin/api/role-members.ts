import type { ReadingStore } from '../../audit/changing.ts';
import { alreadyExists, notFound } from '../../errors.ts';
import type { Permission } from '../../policy/permissions.ts';
import type { Reply } from '../../reply.ts';
import { rolesHeld, rolesVisibleTo } from '../deeds/held-roles.ts';
import { ownRoleId } from '../deeds/own-role.ts';
import { assign, unassign } from '../deeds/roles.ts';
import { type Call, callerOf, DONE } from '../handler.ts';
import { existingRole, roleIdIn, roleParameter } from './existing-role.ts';
import { anyText, bodyOf, existingUser, queryOf, text } from './parameters.ts';
import { assignmentJson, roleJson } from './role-json.ts';

/**
 * Which users have which roles, in the API of MLflow 3.17.
 *
 * @see mlflow/server/auth/__init__.py (`assign_role` and those after it)
 */
export function roleMemberHandlers(store: ReadingStore, defaultPermission: Permission) {
  return {
    async 'roles.assign'(call: Call): Promise<Reply> {
      const { user, roleId } = await membershipIn(store, call);
      const added = await assign(call.changing.roles, user, roleId);
      if (added === undefined) {
        throw alreadyExists(`User role assignment (user_id=${user.id}, role_id=${roleId}) already exists`);
      }
      return { body: { assignment: assignmentJson(added) } };
    },

    async 'roles.unassign'(call: Call): Promise<Reply> {
      const { user, roleId } = await membershipIn(store, call);
      if (!(await unassign(call.changing.roles, user, roleId))) {
        throw notFound(`User role assignment (user_id=${user.id}, role_id=${roleId}) not found`);
      }
      return DONE;
    },

    async 'roles.users'(call: Call): Promise<Reply> {
      const id = roleIdIn(queryOf(call, roleParameter));
      await existingRole(store, id);
      const userId = ownRoleId(id);
      const members = id < 0 ? [{ id, userId, username: '', roleId: id }] : await store.roles.members(id);
      return { body: { assignments: members.map(assignmentJson) } };
    },

    async 'userRoles.list'(call: Call): Promise<Reply> {
      const { username } = queryOf(call, { username: text });
      const user = await existingUser(store.users, username);
      const held = await rolesHeld(store, user.id);
      const visible = (await rolesVisibleTo(store, callerOf(call), defaultPermission))(user.id, held);
      return { body: { roles: visible.map(roleJson) } };
    },
  };
}

async function membershipIn(store: ReadingStore, call: Call) {
  const body = bodyOf(call, { username: anyText, ...roleParameter });
  const roleId = roleIdIn(body);
  return { user: await existingUser(store.users, body.username), roleId };
}
