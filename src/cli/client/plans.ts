import { ownerOfRole } from '../../policy/own-role.ts';
import type { Plan } from './command.ts';
import { type JsonObject, objectsIn } from './json.ts';
import type { Column } from './render-table.ts';
import type { Input } from './send.ts';
import type { Thing } from './thing.ts';

export const USER_COLUMNS: readonly Column[] = [
  ['ID', 'id'],
  ['NAME', 'username'],
  ['ADMIN', 'is_admin'],
];

/** The members of a role: MLflow's own call for it answers with user ids alone. */
export function planListRoleUsers({ role_id: roleId }: Input): Plan {
  return {
    call: { method: 'GET', path: '2.0 users/list' },
    input: {},
    shows: {
      list: true,
      pick: ({ users }) =>
        objectsIn(users)
          .filter(({ roles }) => objectsIn(roles).some(({ id }) => id === roleId))
          .map(({ id, username, is_admin }) => ({ id, username, is_admin })),
      columns: USER_COLUMNS,
      whyEmpty: () => 'The role has no members.',
    },
  };
}

/** What `list-permissions` is asked about: one thing, by the flag of its kind. */
export function onFlags({ experiment, model }: Input): Thing | undefined {
  if (experiment !== undefined) {
    return { type: 'experiment', id: String(experiment) };
  }
  return model === undefined ? undefined : { type: 'registered_model', id: String(model) };
}

/** Which of three calls `list-permissions` makes; none of the flags means oneself, see `oneList`. */
export function planListPermissions({ user, experiment, model }: Input): Plan {
  if (experiment !== undefined) {
    return onResource(['experiment'], String(experiment));
  }
  if (model !== undefined) {
    // Prompts share the names of registered models.
    return onResource(['registered_model', 'prompt'], String(model));
  }
  return {
    call:
      user === undefined
        ? { method: 'GET', path: '3.0 users/current/permissions' }
        : { method: 'GET', path: '3.0 users/permissions/list' },
    input: user === undefined ? {} : { username: user },
    shows: {
      list: true,
      pick: ({ permissions }) => objectsIn(permissions),
      columns: [
        ['TYPE', 'resource_type'],
        ['ON', 'resource_pattern'],
        ['PERMISSION', 'permission'],
        ['BY', by],
      ],
      whyEmpty: ({ is_admin: isAdmin }) =>
        `Nothing was granted to ${user ?? 'you'}. ${isAdmin === true ? 'Admins may do everything all the same.' : 'What the default permission of the server allows is not listed.'}`,
    },
  };
}

function onResource(types: readonly string[], id: string): Plan {
  return {
    call: { method: 'GET', path: '2.0 users/list' },
    input: {},
    shows: {
      list: true,
      pick: ({ users }) =>
        objectsIn(users).flatMap(({ username, roles }) =>
          objectsIn(roles).flatMap(({ name, permissions }) =>
            objectsIn(permissions)
              .filter(({ resource_type: type }) => typeof type === 'string' && types.includes(type))
              .filter(({ resource_pattern: pattern }) => pattern === id || pattern === '*')
              .map(({ resource_type, resource_pattern, permission }) => ({
                username,
                permission,
                resource_type,
                resource_pattern,
                role_name: name,
              })),
          ),
        ),
      columns: [
        ['NAME', 'username'],
        ['PERMISSION', 'permission'],
        ['TYPE', 'resource_type'],
        ['ON', 'resource_pattern'],
        ['BY', by],
      ],
      whyEmpty: () =>
        `Nothing was granted on ${types[0]?.replaceAll('_', ' ')} ${id}. Admins may do everything all the same.`,
    },
  };
}

/** By which role a permission is held; the role named after a user stands for that user's own grants. */
function by({ role_name: role }: JsonObject): string {
  return typeof role !== 'string' || ownerOfRole(role) !== undefined ? 'own grant' : `role ${role}`;
}
