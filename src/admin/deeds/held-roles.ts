import type { ReadingStore } from '../../audit/changing.ts';
import type { SignedIn } from '../../identity/principal.ts';
import { decide, mayDoEverything } from '../../policy/decide.ts';
import { isAdministration } from '../../policy/grant.ts';
import { isRootKind } from '../../policy/grantable.ts';
import { isOwnRole } from '../../policy/own-role.ts';
import type { Permission } from '../../policy/permissions.ts';
import { ALL } from '../../policy/resources.ts';
import type { Role, RolePermission } from '../../store/roles.ts';
import { ownRole } from './own-role.ts';

/** The parts of the store that tell who holds what. */
type Held = Pick<ReadingStore, 'grants' | 'roles'>;

/** Every role of a user, the one of their own grants first. */
export async function rolesHeld(store: Held, userId: number): Promise<readonly Role[]> {
  const own = ownRole({ id: userId }, await store.grants.forUser(userId));
  const roles = await store.roles.rolesOf(userId);
  return own === undefined ? roles : [own, ...roles];
}

/** The workspaces that some roles administer: those of a role with MANAGE on the workspace. */
export function administeredBy(roles: readonly Role[]): ReadonlySet<string> {
  return new Set(
    roles.filter(({ permissions }) => permissions.some(isAdministration)).map(({ workspace }) => workspace),
  );
}

/**
 * Takes the part of a user's roles that a viewer may see: all of one's own, else those in workspaces that one
 * administers, and of the user's own grants those on what one manages.
 */
export type VisibleRoles = (userId: number, roles: readonly Role[]) => readonly Role[];

/** What a viewer may see of roles, for as many users as are asked about. */
export async function rolesVisibleTo(
  store: Held,
  viewer: SignedIn,
  defaultPermission: Permission,
): Promise<VisibleRoles> {
  if (mayDoEverything(viewer)) {
    return (_userId, roles) => roles;
  }
  const administered = administeredBy(await rolesHeld(store, viewer.id));
  const manages = managedBy(viewer, defaultPermission);
  return (userId, roles) =>
    userId === viewer.id
      ? roles
      : roles.flatMap((role) =>
          administered.has(role.workspace) ? [role] : onManaged(role, viewer.workspace, manages),
        );
}

/** Whether a viewer manages what a grant is on. */
export type Manages = (grant: Pick<RolePermission, 'resourceType' | 'resourcePattern'>) => boolean;

/** What a viewer manages thing by thing, and so may share and see who holds what on. */
export function managedBy(viewer: SignedIn, defaultPermission: Permission): Manages {
  return ({ resourceType: kind, resourcePattern: id }) =>
    isRootKind(kind) && id !== ALL && decide(viewer, 'manage', { kind, id }, defaultPermission).allow;
}

/** A user's own grants on what is managed there; of what others hold through roles nothing is told. */
function onManaged(role: Role, workspace: string, manages: Manages): readonly Role[] {
  const permissions = role.workspace === workspace && isOwnRole(role) ? role.permissions.filter(manages) : [];
  return permissions.length > 0 ? [{ ...role, permissions }] : [];
}

/** Tells the roles that a viewer may see with their grants: those they have, and all in workspaces they administer. */
export async function visibleRolesOf(
  store: Held,
  viewer: SignedIn,
): Promise<(role: Pick<Role, 'id' | 'workspace'>) => boolean> {
  if (mayDoEverything(viewer)) {
    return () => true;
  }
  const held = await rolesHeld(store, viewer.id);
  const ids = new Set(held.map(({ id }) => id));
  const administered = administeredBy(held);
  return ({ id, workspace }) => ids.has(id) || administered.has(workspace);
}
