import { isCanonical } from '../../mlflow/things/identifiers.ts';
import { isRootKind, patternProblem, permissionNamed } from '../../policy/grantable.ts';
import type { Permission } from '../../policy/permissions.ts';
import { ALL } from '../../policy/resources.ts';
import type { SourceGrant } from './read-basic-auth.ts';

/** A grant that the store can hold. */
export interface CheckedGrant {
  readonly type: string;
  readonly pattern: string;
  readonly permission: Permission;
}

/**
 * The grant as the store keeps it, or why it cannot be taken.
 *
 * @param wildcards - whether `*` stands for all of a kind; otherwise it is a name, which would come to stand for
 *   all of a kind here.
 */
export function checkGrant(
  { type, pattern, permission, workspace }: SourceGrant,
  wildcards: boolean,
): CheckedGrant | string {
  if (workspace !== 'default') {
    return `workspace ${workspace}: only the workspace default is taken`;
  }
  const known = permissionNamed(permission);
  if (known === undefined) {
    return `${permission || 'nothing'} is not a permission`;
  }
  if (pattern === ALL && !wildcards) {
    return 'something named * would stand for all of its kind';
  }
  const problem = patternProblem(type, pattern);
  if (problem !== undefined) {
    return problem;
  }
  // A grant on experiment `01` would never be found, or be found by another reader than the one that wrote it.
  if (pattern !== ALL && isRootKind(type) && !isCanonical(type, pattern)) {
    return 'not written as MLflow writes it, so it names nothing';
  }
  return { type, pattern, permission: known };
}
