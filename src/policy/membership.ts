import type { Grant } from './grant.ts';
import { refuses } from './permissions.ts';
import { ALL, ROOT_KINDS } from './resources.ts';

const KINDS = ROOT_KINDS.filter((kind) => kind !== 'workspace');

/** The grants by which somebody is a member of the workspace that they are given in, whatever else they hold there. */
export function membershipsIn(grants: readonly Grant[]): readonly Grant[] {
  return grants.filter(
    ({ resourceType, resourcePattern, permission }) =>
      resourceType === 'workspace' && resourcePattern === ALL && !refuses(permission),
  );
}

/**
 * Grants of one workspace with what a membership brings: its members may read what is in it, as MLflow's lists have it
 * and the role `user` says that it gives every new workspace. What is refused of a thing, or of all of a kind, stays so.
 *
 * @see mlflow/server/auth/__init__.py (`_DEFAULT_WORKSPACE_ROLES`, and the fall-back to the workspace of its lists)
 */
export function withMembership(grants: readonly Grant[]): readonly Grant[] {
  const memberships = membershipsIn(grants);
  return memberships.length === 0
    ? grants
    : [
        ...grants,
        ...memberships.flatMap(({ via }) =>
          KINDS.map((kind): Grant => ({ resourceType: kind, resourcePattern: ALL, permission: 'READ', via })),
        ),
      ];
}
