import type { ReadingStore } from '../../audit/changing.ts';
import { isOwnRole } from '../../policy/own-role.ts';
import { missingRole, type Role } from '../../store/roles.ts';
import { ownRole, ownRoleId } from '../deeds/own-role.ts';
import { integer } from './parameters.ts';

export function roleIdIn({ role_id }: { readonly role_id: unknown }): number {
  return integer('role_id', role_id);
}

/**
 * A role, or what a user's own grants look like as one: its id is negative.
 *
 * @throws ApiError 404 in MLflow's words.
 */
export async function existingRole(store: Pick<ReadingStore, 'grants' | 'roles'>, id: number): Promise<Role> {
  const found =
    id < 0
      ? ownRole({ id: ownRoleId(id) }, await store.grants.forUser(ownRoleId(id)))
      : await store.roles.get(id);
  if (found === undefined) {
    throw missingRole(id);
  }
  return found;
}

/**
 * A role that can be changed: not that of a user's own grants, which is changed by granting to that user.
 *
 * @throws ApiError 404 in MLflow's words.
 */
export async function changeableRole(
  store: Pick<ReadingStore, 'grants' | 'roles'>,
  id: number,
): Promise<Role> {
  const found = await existingRole(store, id);
  if (isOwnRole(found)) {
    throw missingRole(id);
  }
  return found;
}
