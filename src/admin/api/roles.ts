import type { ReadingStore } from '../../audit/changing.ts';
import { invalid } from '../../errors.ts';
import type { Workspaces } from '../../mlflow/things/workspaces.ts';
import type { Reply } from '../../reply.ts';
import { missingRole } from '../../store/roles.ts';
import { ofRoles } from '../contract/grants.ts';
import { visibleRolesOf } from '../deeds/held-roles.ts';
import { ownRole } from '../deeds/own-role.ts';
import { createRole, deleteRole, updateRole } from '../deeds/roles.ts';
import { type Call, callerOf, DONE } from '../handler.ts';
import { existingRole, roleIdIn } from './existing-role.ts';
import { issuerIn, type NamedProvider } from './links.ts';
import { bodyOf, queryOf } from './parameters.ts';
import { roleJson } from './role-json.ts';

export interface RoleParts {
  readonly store: ReadingStore;
  readonly workspaces: Pick<Workspaces, 'has'>;
  readonly providers: readonly NamedProvider[];
}

/**
 * Roles of MLflow 3.17: named sets of grants. Users' own grants show among them as MLflow shows them, and are changed
 * through the other APIs alone. What a role grants is in role-permissions.ts, who has it in role-members.ts.
 *
 * @see mlflow/server/auth/__init__.py (`create_role` and those after it)
 */
export function roleHandlers({ store, workspaces, providers }: RoleParts) {
  return {
    async 'roles.create'(call: Call): Promise<Reply> {
      const body = bodyOf(call, ofRoles['roles.create'].body);
      const name = nameIn(body.name);
      if (typeof body.workspace !== 'string') {
        throw invalid('Workspace cannot be empty.');
      }
      const description = descriptionIn(body, 'Role description must be a string or null.');
      const { workspace } = body;
      // A role that is made before its workspace would hold there from the first moment on, no matter who makes that.
      if (workspace.trim() !== '' && !(await workspaces.has(workspace))) {
        throw invalid(`Workspace '${workspace}' does not exist.`);
      }
      const created = await createRole(call.changing.roles, {
        name,
        workspace,
        ...(description !== undefined && { description }),
        ...groupIn(body.provider, name, providers),
      });
      return { body: { role: roleJson(created) } };
    },

    async 'roles.get'(call: Call): Promise<Reply> {
      return {
        body: {
          role: roleJson(await existingRole(store, roleIdIn(queryOf(call, ofRoles['roles.get'].query)))),
        },
      };
    },

    async 'roles.list'(call: Call): Promise<Reply> {
      const workspaces = workspacesIn(call);
      const isVisible = await visibleRolesOf(store, callerOf(call));
      const own = [...(await store.grants.forUsers())].flatMap(
        ([id, grants]) => ownRole({ id }, grants) ?? [],
      );
      const asked = own.filter(({ workspace }) => workspaces?.includes(workspace) ?? true);
      const roles = [...(await store.roles.list(workspaces)), ...asked].filter(isVisible);
      return { body: { roles: roles.map(roleJson) } };
    },

    async 'roles.update'(call: Call): Promise<Reply> {
      const body = bodyOf(call, ofRoles['roles.update'].body);
      const id = roleIdIn(body);
      const name = body.name ?? undefined;
      if (name === undefined && (body.description ?? undefined) === undefined) {
        throw invalid("At least one of 'name' or 'description' must be provided to update a role.");
      }
      const description = descriptionIn(body, 'Role description must be a string.');
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
      const id = roleIdIn(bodyOf(call, ofRoles['roles.delete'].body));
      if (!(await deleteRole(call.changing.roles, id))) {
        throw missingRole(id);
      }
      return DONE;
    },
  };
}

/** The group of a provider that a role is to be, whether or not anybody of it has come yet. */
function groupIn(provider: string | null | undefined, name: string, providers: readonly NamedProvider[]) {
  return typeof provider === 'string' ? { group: { issuer: issuerIn({ provider }, providers), name } } : {};
}

function nameIn(name: unknown): string {
  if (typeof name !== 'string') {
    throw invalid('Role name cannot be empty.');
  }
  return name;
}

/** @param problem - what is said of a description that is no string, in MLflow's words. */
function descriptionIn(body: { readonly description?: unknown }, problem: string): string | undefined {
  const description = body.description ?? undefined;
  if (description !== undefined && typeof description !== 'string') {
    throw invalid(problem);
  }
  return description;
}

/** The workspaces whose roles are asked for; undefined for all. */
function workspacesIn({ query }: Call): readonly string[] | undefined {
  const workspaces = query.get('workspace');
  if (workspaces?.some((each) => each.trim() === '')) {
    throw invalid("Parameter 'workspace' must be a non-empty string when provided.");
  }
  return workspaces;
}
