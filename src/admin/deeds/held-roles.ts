import type { ReadingStore } from '../../audit/changing.ts';
import type { SignedIn } from '../../identity/principal.ts';
import { mayDoEverything } from '../../policy/decide.ts';
import { isAdministration } from '../../policy/grant.ts';
import type { Role } from '../../store/roles.ts';
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

/** Takes the part of a user's roles that a viewer may see: all of one's own, else those in workspaces one administers. */
export type VisibleRoles = (userId: number, roles: readonly Role[]) => readonly Role[];

/** What a viewer may see of roles, for as many users as are asked about. */
export async function rolesVisibleTo(store: Held, viewer: SignedIn): Promise<VisibleRoles> {
  const administered = mayDoEverything(viewer)
    ? undefined
    : administeredBy(await rolesHeld(store, viewer.id));
  return (userId, roles) =>
    administered === undefined || userId === viewer.id
      ? roles
      : roles.filter(({ workspace }) => administered.has(workspace));
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
