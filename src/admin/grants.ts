import { alreadyExists, invalid, notFound } from '../errors.ts';
import { indexGrants } from '../identity/accounts.ts';
import { isCanonical } from '../mlflow/things/identifiers.ts';
import { effectivePermission, holdingOf } from '../policy/decide.ts';
import {
  isRootKind,
  patternProblem,
  permissionProblem,
  readPermission,
  typeProblem,
} from '../policy/grantable.ts';
import { allows, type Permission } from '../policy/permissions.ts';
import { ALL, type RootKind } from '../policy/resources.ts';
import type { Store } from '../store/index.ts';
import { bodyOf, type Call, callerOf, type Handlers, queryOf, text } from './handler.ts';
import { rolesHeld, rolesVisibleTo } from './held-roles.ts';
import { existingUser } from './parameters.ts';
import { flatPermissions } from './role-json.ts';

const target = { username: text, resource_type: text, resource_id: text };

/**
 * MLflow 3.17's grants of single users, one API for all kinds of resources; over the same grants as the classic one.
 *
 * @param defaultPermission - what whoever holds no grant may do.
 * @see mlflow/server/auth/__init__.py (`grant_user_permission` and those around it)
 */
export function grantHandlers(store: Store, defaultPermission: Permission): Handlers {
  return {
    async 'userPermissions.grant'(call) {
      const {
        username,
        resource_type: type,
        resource_id: id,
        permission,
      } = bodyOf(call, {
        ...target,
        permission: text,
      });
      const user = await existingUser(store, username);
      refuseWorkspace(type);
      const problem = patternProblem(type, id) ?? permissionProblem(permission, type);
      if (problem !== undefined) throw invalid(problem);
      checkGrantable(type, id);
      const granted = readPermission(permission);
      if (granted === undefined) throw new Error('a permission without a problem that cannot be read');
      if (!(await store.grants.create(user.id, type, id, granted))) {
        throw alreadyExists(`${labelOf(username, type, id)} already exists.`);
      }
      return {};
    },

    async 'userPermissions.revoke'(call) {
      const { username, resource_type: type, resource_id: id } = bodyOf(call, target);
      const user = await existingUser(store, username);
      refuseWorkspace(type);
      const problem = typeProblem(type);
      if (problem !== undefined) throw invalid(problem);
      if (!(await store.grants.delete(user.id, type, id))) {
        throw notFound(`${labelOf(username, type, id)} not found.`);
      }
      return {};
    },

    async 'userPermissions.get'(call) {
      const { username, resource_type: type, resource_id: id } = queryOf(call, target);
      const user = await existingUser(store, username);
      checkGrantable(type, id);
      const permission = user.isAdmin ? 'MANAGE' : await effective(username, type, id);
      return { allowed: allows(permission, 'use'), permission };
    },

    async 'userPermissions.list'(call) {
      return permissionsOf(call, queryOf(call, { username: text }).username);
    },

    'userPermissions.current': (call) => permissionsOf(call, callerOf(call).username),
  };

  async function permissionsOf(call: Call, username: string) {
    const user = await existingUser(store, username);
    const held = await rolesHeld(store, user.id);
    const visible = (await rolesVisibleTo(store, callerOf(call)))(user.id, held);
    return { is_admin: user.isAdmin, permissions: flatPermissions(visible) };
  }

  /** By the very function that decides about requests. */
  async function effective(username: string, type: string, id: string): Promise<Permission> {
    const account = await store.account(username);
    if (account === undefined) throw notFound(`User with username=${username} not found`);
    const { on } = indexGrants(account.grants);
    const held = isRootKind(type)
      ? holdingOf({ isAdmin: false, ceiling: undefined, grantsOn: on }, { kind: type, id }, defaultPermission)
      : effectivePermission(
          account.grants.filter(({ resourceType }) => resourceType === type),
          defaultPermission,
        );
    return held.permission;
  }
}

/**
 * Holds a resource against what a single user can be granted something on.
 *
 * @throws ApiError 400 in MLflow's words.
 */
export function checkGrantable(type: string, id: string): void {
  refuseWorkspace(type);
  const problem = typeProblem(type);
  if (problem !== undefined) throw invalid(problem);
  if (id === ALL) return;
  if (!isRootKind(type)) {
    throw invalid(`resource_type '${type}' is not supported by the per-user permission convenience APIs.`);
  }
  checkNameable(type, id, 'resource_id');
}

/**
 * Holds an id against those that a request can name: a grant on any other would protect or open nothing.
 *
 * @param parameter - what the caller sent it as.
 * @throws ApiError 400 in MLflow's words, where it has some.
 */
export function checkNameable(kind: RootKind, id: string, parameter: string): void {
  if (kind === 'scorer') {
    if (id.includes('/')) return;
    throw invalid(`Invalid scorer ${parameter}. Expected '<experiment_id>/<scorer_name>'.`);
  }
  if (!isCanonical(kind, id, true)) {
    throw invalid(`Parameter '${parameter}' is not a valid ${kind.replaceAll('_', ' ')} id.`);
  }
}

/** Grants on the workspace make administrators: given to roles alone, by whoever administers it. */
function refuseWorkspace(type: string): void {
  if (type !== 'workspace') return;
  throw invalid(
    "resource_type 'workspace' is not supported by the per-user permission convenience APIs. " +
      'Use set_workspace_permission / delete_workspace_permission for workspace-wide grants.',
  );
}

const labelOf = (username: string, type: string, id: string) =>
  `Permission for user=${username} on resource_type=${type}, resource_id=${id}`;
