import type { ReadingStore } from '../../audit/changing.ts';
import { alreadyExists, notFound } from '../../errors.ts';
import type { Reply } from '../../reply.ts';
import type { RoleMember } from '../../store/roles.ts';
import { ofGrants, ofRoles } from '../contract/grants.ts';
import { rolesHeld, rolesVisibleTo } from '../deeds/held-roles.ts';
import { ownRoleId } from '../deeds/own-role.ts';
import { assign, unassign } from '../deeds/roles.ts';
import { type Call, callerOf, DONE } from '../handler.ts';
import { existingRole, roleIdIn } from './existing-role.ts';
import type { GrantParts } from './grants.ts';
import { bodyOf, existingUser, queryOf, userToMeet } from './parameters.ts';
import { assignmentJson, roleJson } from './role-json.ts';

/**
 * Which users have which roles, in the API of MLflow 3.17.
 *
 * @see mlflow/server/auth/__init__.py (`assign_role` and those after it)
 */
export function roleMemberHandlers(parts: GrantParts) {
  const { store, defaultPermission } = parts;
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
      const id = roleIdIn(queryOf(call, ofRoles['roles.users'].query));
      await existingRole(store, id);
      const members = id < 0 ? await ownerOf(store, id) : await store.roles.members(id);
      return {
        body: { assignments: members.map((each) => ({ ...assignmentJson(each), username: each.username })) },
      };
    },

    async 'userRoles.list'(call: Call): Promise<Reply> {
      const { username } = queryOf(call, ofGrants['userRoles.list'].query);
      const user = await userToMeet(parts, call, username);
      if (user === undefined) {
        return { body: { roles: [] } };
      }
      const held = await rolesHeld(store, user.id);
      const visible = (await rolesVisibleTo(store, callerOf(call), defaultPermission))(user.id, held);
      return { body: { roles: visible.map(roleJson) } };
    },
  };
}

/** Whose own grants these are, which look like a role. */
async function ownerOf(store: ReadingStore, id: number): Promise<readonly RoleMember[]> {
  const userId = ownRoleId(id);
  const user = await store.users.getById(userId);
  return [{ id, userId, username: user?.username ?? '', roleId: id }];
}

async function membershipIn(store: ReadingStore, call: Call) {
  const body = bodyOf(call, ofRoles['roles.assign'].body);
  const roleId = roleIdIn(body);
  return { user: await existingUser(store.users, body.username), roleId };
}
