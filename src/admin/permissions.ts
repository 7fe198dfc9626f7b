import { alreadyExists, invalid, notFound } from '../errors.ts';
import { isCanonical } from '../mlflow/things/identifiers.ts';
import type { Permission } from '../policy/permissions.ts';
import type { Store } from '../store/index.ts';
import { bodyOf, type Handlers, queryOf, text } from './handler.ts';
import { FAMILIES, type Family, idIn, namesOf } from './permission-families.ts';

/**
 * MLflow's classic permissions API (2.15 to 3.12, dropped since): one user's permission on one
 * experiment, registered model, scorer, or thing of the AI gateway.
 */
export function permissionHandlers(store: Store): Handlers {
  return Object.fromEntries(FAMILIES.flatMap((family) => Object.entries(familyHandlers(store, family))));
}

function familyHandlers(store: Store, family: Family): Handlers {
  const { kind, parameters, envelope, label, handlers } = family;
  const keys = { ...Object.fromEntries(parameters.map((name) => [name, text])), username: text };

  async function userNamed(username: string) {
    const user = await store.users.get(username);
    if (user === undefined) throw notFound(`User with username=${username} not found`);
    return user;
  }

  function target(values: Readonly<Record<string, string>>) {
    const id = idIn(family, values);
    if (!isCanonical(kind, id, true)) throw invalid(`Parameter '${parameters[0]}' is not a valid id.`);
    return { id, username: values['username'] ?? '' };
  }

  const named = (id: string) =>
    Object.entries(namesOf(family, id))
      .map(([name, value]) => `${name}=${value}`)
      .join(', ');
  // MLflow's own comma.
  const and = parameters.length > 1 ? ', and' : ' and';

  const missing = (id: string, username: string) =>
    notFound(`${label} with ${named(id)}${and} username=${username} not found`);

  const shown = (id: string, userId: number, permission: Permission) => ({
    [envelope]: { ...namesOf(family, id), user_id: userId, permission },
  });

  function given(permission: string | undefined): Permission {
    const known = family.permissions.find((each) => each === permission);
    if (known !== undefined) return known;
    const names = family.permissions.map((each) => `'${each}'`).join(', ');
    throw invalid(`Invalid permission '${permission}'. Valid permissions are: (${names})`);
  }

  return {
    async [`${handlers}.create`](call) {
      const body = bodyOf(call, { ...keys, permission: text });
      const { id, username } = target(body);
      const permission = given(body['permission']);
      const user = await userNamed(username);
      if (!(await store.grants.create(user.id, kind, id, permission))) {
        throw alreadyExists(`${label} (${named(id)}, username=${username}) already exists.`);
      }
      return shown(id, user.id, permission);
    },

    async [`${handlers}.get`](call) {
      const { id, username } = target(queryOf(call, keys));
      const user = await userNamed(username);
      const permission = await store.grants.get(user.id, kind, id);
      if (permission === undefined) throw missing(id, username);
      return shown(id, user.id, permission);
    },

    async [`${handlers}.update`](call) {
      const body = bodyOf(call, { ...keys, permission: text });
      const { id, username } = target(body);
      const permission = given(body['permission']);
      const user = await userNamed(username);
      if (!(await store.grants.update(user.id, kind, id, permission))) throw missing(id, username);
      return {};
    },

    async [`${handlers}.delete`](call) {
      const { id, username } = target(bodyOf(call, keys));
      const user = await userNamed(username);
      if (!(await store.grants.delete(user.id, kind, id))) throw missing(id, username);
      return {};
    },
  };
}
