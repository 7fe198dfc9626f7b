import { ALL } from '../../policy/resources.ts';
import type { Store } from '../../store/index.ts';
import { DEFAULT_WORKSPACE } from '../../store/workspace.ts';
import type { ExperimentNames } from './experiment-names.ts';

/** A grant as it stands in a store. */
interface Held {
  readonly resourceType: string;
  readonly resourcePattern: string;
  readonly permission: string;
}

/** Users, roles and grants of a store, as a file declares them. What MLflow has no name for is told by its id. */
export async function accessOf({ users, roles, grants }: Store, names: ExperimentNames): Promise<object> {
  const known = new Map<string, string | undefined>();
  const declare = async ({ resourceType: type, resourcePattern: id, permission }: Held) => {
    if (type !== 'experiment' || id === ALL) {
      return { [type]: id, permission };
    }
    if (!known.has(id)) {
      known.set(id, await names.nameOf(id));
    }
    const name = known.get(id);
    return name === undefined ? { experiment_id: id, permission } : { experiment: name, permission };
  };
  const declareAll = async (held: readonly Held[]) => {
    const declared: object[] = [];
    for (const each of held) {
      declared.push(await declare(each));
    }
    return declared;
  };
  const all = await users.list();
  const own = await grants.forUsers();
  const declaredRoles: Record<string, object> = {};
  for (const role of await roles.list([DEFAULT_WORKSPACE])) {
    const members = (await roles.members(role.id)).map(({ username }) => username);
    declaredRoles[role.name] = {
      ...(role.description !== undefined && { description: role.description }),
      members,
      grants: await declareAll(role.permissions),
    };
  }
  const declaredGrants: Record<string, object> = {};
  for (const { id, username } of all) {
    const held = own.get(id) ?? [];
    if (held.length > 0) {
      declaredGrants[username] = await declareAll(held);
    }
  }
  return {
    users: Object.fromEntries(
      all.map(({ username, isAdmin, isService }) => [
        username,
        { admin: isAdmin, ...(isService && { service: true }) },
      ]),
    ),
    roles: declaredRoles,
    grants: declaredGrants,
  };
}
