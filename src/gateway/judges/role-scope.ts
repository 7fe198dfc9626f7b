import type { FastifyRequest } from 'fastify';
import { integer } from '../../admin/api/parameters.ts';
import { administeredBy, rolesHeld } from '../../admin/deeds/held-roles.ts';
import { ownRoleId } from '../../admin/deeds/own-role.ts';
import { denied, invalid, missingParameter } from '../../errors.ts';
import type { SignedIn } from '../../identity/principal.ts';
import type { RoleNamedBy } from '../../mlflow/table/row.ts';
import { DEFAULT_WORKSPACE } from '../../store/account.ts';
import type { Store } from '../../store/index.ts';
import type { Special } from './special.ts';

/**
 * Judges who may change a role and see its members: whoever administers its workspace.
 *
 * What the caller may not see is refused like what is not there, so that neither tells the other.
 */
export function roleAdmin(store: Store): Special<RoleNamedBy> {
  return async (request, caller, namedBy) => {
    const workspace = await workspaceOf(store, request, namedBy);
    const administered = administeredBy(await rolesHeld(store, caller.id));
    if (workspace === undefined || !administered.has(workspace)) {
      throw denied('Only an admin may do this.', `does not administer workspace ${workspace ?? '(none)'}`);
    }
    request.way.because = `administers workspace ${workspace}`;
    return undefined;
  };
}

/**
 * Judges who may see roles and their grants: whoever has a role in every workspace asked about. What a single user
 * holds is shown among the roles, but is that user's affair: it names things that others may not see.
 */
export function roleViewer(store: Store): Special<RoleNamedBy> {
  return async (request, caller, namedBy) => {
    const asked =
      namedBy === 'workspaces'
        ? (request.way.query.get('workspace') ?? [])
        : [await workspaceOf(store, request, namedBy)];
    const roles = await rolesHeld(store, caller.id);
    const held = new Set(roles.map(({ workspace }) => workspace));
    const [id] = request.way.query.get('role_id') ?? [];
    if (id !== undefined && isOfAnother(integer('role_id', id), caller)) {
      if (!administeredBy(roles).has(DEFAULT_WORKSPACE)) {
        throw denied('Only an admin may see what somebody else holds.', `role ${id} is somebody else's own`);
      }
    }
    if (asked.length === 0 || !asked.every((workspace) => workspace !== undefined && held.has(workspace))) {
      throw denied(
        'Only an admin, or whoever has a role in the workspace, may see its roles.',
        `has no role in ${asked.join(', ') || 'every workspace'}`,
      );
    }
    request.way.because = 'has a role in the workspace';
    return undefined;
  };
}

/** Whether a role is what another user holds. */
function isOfAnother(roleId: number, caller: SignedIn): boolean {
  return roleId < 0 && roleId !== ownRoleId(caller.id);
}

/** Judges who may see what a user holds: that user, and whoever administers a workspace the user has a role in. */
export function holderViewer(store: Store): Special {
  return async (request, caller) => {
    const username = request.way.query.get('username')?.[0];
    if (username === undefined || username === '') throw missingParameter('username');
    if (username === caller.username) {
      request.way.because = 'self';
      return undefined;
    }
    if (!(await administersRolesOf(store, caller, username, request))) {
      throw denied('Only an admin may see what somebody else holds.', `user ${username} is somebody else`);
    }
    request.way.because = 'administers a workspace of the user';
    return undefined;
  };
}

async function administersRolesOf(
  store: Store,
  caller: SignedIn,
  username: string,
  request: FastifyRequest,
): Promise<boolean> {
  const user = await store.users.get(username);
  if (user === undefined) return false;
  const administered = administeredBy(await rolesHeld(store, caller.id));
  // Asked about one resource: it lies in the default workspace, whoever asks.
  if (request.way.query.has('resource_id')) return administered.has(DEFAULT_WORKSPACE);
  const roles = await rolesHeld(store, user.id);
  return roles.some(({ workspace }) => administered.has(workspace));
}

/**
 * The workspace of the role that a request is about; undefined if there is no such role. Only the name that the row
 * says is looked at: a second one that its handler does not read, such as a `role_id` of one's own beside another's
 * `role_permission_id`, must not decide.
 */
async function workspaceOf(
  store: Store,
  { way }: FastifyRequest,
  namedBy: RoleNamedBy,
): Promise<string | undefined> {
  const value = way.operation?.method === 'GET' ? way.query.get(namedBy)?.[0] : way.body[namedBy];
  if (value === undefined || value === null) {
    throw missingParameter(namedBy);
  }
  if (namedBy === 'workspace') {
    if (typeof value === 'string' && value.trim() !== '') {
      return value;
    }
    throw invalid("Parameter 'workspace' must be a non-empty string.");
  }
  const id = integer(namedBy, value);
  if (namedBy === 'role_id') {
    return roleWorkspace(store, id);
  }
  const permission = await store.roles.getPermission(id);
  return permission && roleWorkspace(store, permission.roleId);
}

async function roleWorkspace(store: Store, id: number): Promise<string | undefined> {
  // The roles of users' own grants have ids below zero, and lie where everything lies.
  if (id < 0) return DEFAULT_WORKSPACE;
  return (await store.roles.get(id))?.workspace;
}
