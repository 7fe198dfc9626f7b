import { invalid } from '../../errors.ts';
import { isCanonical } from '../../mlflow/things/identifiers.ts';
import { isRootKind, typeProblem } from '../../policy/grantable.ts';
import type { Permission } from '../../policy/permissions.ts';
import { ALL, type RootKind } from '../../policy/resources.ts';
import type { Grants } from '../../store/grants.ts';
import type { User } from '../../store/types.ts';

/** What a grant is on: something of a type, or with `*` all of it. */
export interface GrantTarget {
  readonly type: string;
  readonly id: string;
}

/**
 * Why a single user cannot be granted anything there; undefined if they can.
 *
 * `type`: there is no such type. `workspace`: grants on it make administrators, and are for roles alone. `inner`: things
 * inside a root are granted all at once. `id`: see {@link isNameable}.
 */
export function whyNotGrantable({
  type,
  id,
}: GrantTarget): 'type' | 'workspace' | 'inner' | 'id' | undefined {
  if (type === 'workspace') {
    return 'workspace';
  }
  if (typeProblem(type) !== undefined) {
    return 'type';
  }
  if (id === ALL) {
    return undefined;
  }
  if (!isRootKind(type)) {
    return 'inner';
  }
  return isNameable(type, id) ? undefined : 'id';
}

/** Whether a request can name this id: a grant on any other would protect or open nothing. */
export function isNameable(kind: RootKind, id: string): boolean {
  // MLflow refuses a search that names what no skill can be called.
  return kind === 'scorer' ? id.includes('/') : isCanonical(kind, id, kind !== 'skill');
}

/**
 * Grants a user something; false if the user holds a grant there already, whatever its permission.
 *
 * @throws ApiError 400 for what a single user cannot be granted anything on.
 */
export async function grant(
  grants: Grants,
  { id: userId }: Pick<User, 'id'>,
  { type, id }: GrantTarget,
  permission: Permission,
): Promise<boolean> {
  if (whyNotGrantable({ type, id }) !== undefined) {
    throw invalid(`A single user cannot be granted anything on ${type} ${JSON.stringify(id)}.`);
  }
  return grants.create(userId, type, id, permission);
}

/** Changes the permission of a grant; false if there is none. */
export function changeGrant(
  grants: Grants,
  { id: userId }: Pick<User, 'id'>,
  { type, id }: GrantTarget,
  permission: Permission,
): Promise<boolean> {
  return grants.update(userId, type, id, permission);
}

/** Takes a grant away; false if there is none. */
export function revoke(
  grants: Grants,
  { id: userId }: Pick<User, 'id'>,
  { type, id }: GrantTarget,
): Promise<boolean> {
  return grants.delete(userId, type, id);
}
