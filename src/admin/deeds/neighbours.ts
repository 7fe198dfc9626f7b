import type { SignedIn } from '../../identity/principal.ts';
import { administersWorkspace, decide, mayDoEverything } from '../../policy/decide.ts';
import { isRootKind } from '../../policy/grantable.ts';
import { allows } from '../../policy/permissions.ts';
import { ALL, type RootKind } from '../../policy/resources.ts';
import type { Role } from '../../store/roles.ts';

/** To whom all users are listed. */
export type ListUsersTo = 'everyone' | 'admins';

/** Whether a viewer may know who there is; others must not find it out name by name either. */
export const seesEverybody = (to: ListUsersTo, viewer: SignedIn): boolean =>
  to === 'everyone' || mayDoEverything(viewer) || administersWorkspace(viewer);

/**
 * Tells the users whom a viewer needs to know who does not see everybody: the viewer, and who holds something on what the
 * viewer may change. Reviewers are chosen among them.
 */
export function neighboursOf(viewer: SignedIn): (userId: number, held: readonly Role[]) => boolean {
  // What the viewer may change by default is everybody's.
  const mayChange = (kind: RootKind, id: string) =>
    id === ALL
      ? viewer.grantsOfKind(kind).some(({ permission }) => allows(permission, 'update'))
      : decide(viewer, 'update', { kind, id }, 'NO_PERMISSIONS').allow;
  // A name is another thing's in another workspace: who holds something on that is no neighbour, and that there is one is not told.
  const isShared = ({ permissions, workspace }: Role) =>
    workspace === viewer.workspace &&
    permissions.some(
      ({ resourceType, resourcePattern, permission }) =>
        isRootKind(resourceType) && allows(permission, 'read') && mayChange(resourceType, resourcePattern),
    );
  return (userId, held) => userId === viewer.id || held.some(isShared);
}
