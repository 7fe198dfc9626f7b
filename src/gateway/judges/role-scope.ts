import type { FastifyRequest } from 'fastify';
import { integer } from '../../admin/api/parameters.ts';
import { administeredBy, managedBy, rolesHeld, visibleRolesOf } from '../../admin/deeds/held-roles.ts';
import { denied, invalid, missingParameter } from '../../errors.ts';
import type { SignedIn } from '../../identity/principal.ts';
import type { SpecialQuestions } from '../../mlflow/table/row.ts';
import type { Permission } from '../../policy/permissions.ts';
import { ROOT_KINDS } from '../../policy/resources.ts';
import type { Store } from '../../store/index.ts';
import type { Role } from '../../store/roles.ts';
import { DEFAULT_WORKSPACE } from '../../store/workspace.ts';
import type { Judge } from '../judge/judge.ts';
import type { Special } from './special.ts';

/**
 * Judges who may change a role and see its members: administrators of its workspace.
 *
 * What the caller may not see is refused like what is not there, so that neither tells the other.
 */
export function roleAdmin(store: Store): Special<SpecialQuestions['role-admin']> {
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
 * Judges who may see roles and their grants. One role: its members, and administrators of its workspace, for it names
 * things that others may not see. The roles of some workspaces: callers with a role in each; the list then holds what
 * they may see one by one.
 */
export function roleViewer(store: Store): Special<SpecialQuestions['role-viewer']> {
  return async (request, caller, namedBy) => {
    if (namedBy !== 'workspaces') {
      const role = await roleOf(store, request, namedBy);
      const isVisible = await visibleRolesOf(store, caller);
      if (role === undefined || !isVisible(role)) {
        throw denied(
          'Only an admin, or a member, may see a role.',
          `has no role ${role?.id ?? 'of this id'} and does not administer workspace ${role?.workspace ?? '(none)'}`,
        );
      }
      request.way.because = 'has the role, or administers its workspace';
      return undefined;
    }
    const asked = request.way.query.get('workspace') ?? [];
    const held = new Set((await rolesHeld(store, caller.id)).map(({ workspace }) => workspace));
    if (asked.length === 0 || !asked.every((workspace) => held.has(workspace))) {
      throw denied(
        'Only an admin, or a user who has a role in the workspace, may list its roles.',
        `has no role in ${asked.join(', ') || 'every workspace'}`,
      );
    }
    request.way.because = 'has a role in the workspace';
    return undefined;
  };
}

/**
 * Judges who may see what a user holds: that user, administrators of a workspace the user has a role in, and users who
 * manage something, before they share it. The answer has what the caller may see of it alone.
 */
export function holderViewer(store: Store, judge: Judge): Special {
  return async (request, caller) => {
    const { query } = request.way;
    const username = query.get('username')?.[0];
    if (username === undefined || username === '') {
      throw missingParameter('username');
    }
    if (username === caller.username) {
      request.way.because = 'self';
    } else if (await administersRolesOf(store, caller, username, request)) {
      request.way.because = 'administers a workspace of the user';
    } else if (managesWhatIsAsked(query, caller, judge.defaultPermission)) {
      request.way.because = 'manages what is asked about';
    } else {
      throw denied(
        'Only an admin, or a user who holds MANAGE on it, may see what another user holds.',
        `user ${username} is another user`,
      );
    }
    return undefined;
  };
}

/** The one resource that is asked about; else anything at all, of which the answer then is. */
function managesWhatIsAsked(
  query: ReadonlyMap<string, readonly string[]>,
  caller: SignedIn,
  defaultPermission: Permission,
): boolean {
  const manages = managedBy(caller, defaultPermission);
  const [resourceType] = query.get('resource_type') ?? [];
  const [resourcePattern] = query.get('resource_id') ?? [];
  if (resourceType !== undefined && resourcePattern !== undefined) {
    return manages({ resourceType, resourcePattern });
  }
  return ROOT_KINDS.some((kind) => caller.grantsOfKind(kind).some(manages));
}

async function administersRolesOf(
  store: Store,
  caller: SignedIn,
  username: string,
  request: FastifyRequest,
): Promise<boolean> {
  const user = await store.users.get(username);
  if (user === undefined) {
    return false;
  }
  const administered = administeredBy(await rolesHeld(store, caller.id));
  // Asked about one resource: it lies in the workspace of the request.
  if (request.way.query.has('resource_id')) {
    return administered.has(caller.workspace);
  }
  const roles = await rolesHeld(store, user.id);
  return roles.some(({ workspace }) => administered.has(workspace));
}

/** The workspace that a request is about; undefined if it is about a role that is not there. */
async function workspaceOf(
  store: Store,
  request: FastifyRequest,
  namedBy: SpecialQuestions['role-admin'],
): Promise<string | undefined> {
  if (namedBy !== 'workspace') {
    return (await roleOf(store, request, namedBy))?.workspace;
  }
  const value = namedIn(request, namedBy);
  if (typeof value === 'string' && value.trim() !== '') {
    return value;
  }
  throw invalid("Parameter 'workspace' must be a non-empty string.");
}

/** The role that a request is about, or whose grant it is about; undefined if it is not there. */
async function roleOf(
  store: Store,
  request: FastifyRequest,
  namedBy: 'role_id' | 'role_permission_id',
): Promise<Pick<Role, 'id' | 'workspace'> | undefined> {
  const named = integer(namedBy, namedIn(request, namedBy));
  const id = namedBy === 'role_id' ? named : (await store.roles.getPermission(named))?.roleId;
  // The roles of users' own grants have ids below zero, and lie where everything lies.
  if (id === undefined || id < 0) {
    return id === undefined ? undefined : { id, workspace: DEFAULT_WORKSPACE };
  }
  return store.roles.get(id);
}

/**
 * Only the name that the row says is looked at: a second one that its handler does not read, such as a `role_id` of
 * one's own beside another's `role_permission_id`, must not decide.
 */
function namedIn({ way }: FastifyRequest, name: string): unknown {
  const value = way.operation?.method === 'GET' ? way.query.get(name)?.[0] : way.body[name];
  if (value === undefined || value === null) {
    throw missingParameter(name);
  }
  return value;
}
