import { alreadyExists, invalid, notFound } from '../errors.ts';
import { isCanonical } from '../mlflow/identifiers.ts';
import { CLASSIC_PERMISSIONS, type Permission } from '../policy/permissions.ts';
import type { RootKind } from '../policy/resources.ts';
import type { Store } from '../store/index.ts';
import { bodyOf, type Handlers, queryOf, text } from './handler.ts';

interface Family {
  /** First part of the handlers' names in the table. */
  readonly handlers: string;
  readonly kind: RootKind;
  /** What the API calls the id. */
  readonly parameter: 'experiment_id' | 'name';
  /** The key of the reply. */
  readonly envelope: string;
  /** How MLflow's messages begin. */
  readonly label: string;
}

const FAMILIES: readonly Family[] = [
  {
    handlers: 'experimentPermissions',
    kind: 'experiment',
    parameter: 'experiment_id',
    envelope: 'experiment_permission',
    label: 'Experiment permission',
  },
  {
    handlers: 'registeredModelPermissions',
    kind: 'registered_model',
    parameter: 'name',
    envelope: 'registered_model_permission',
    label: 'Registered model permission',
  },
];

/**
 * MLflow's classic permissions API (2.15 to 3.5, dropped by 3.17): one user's permission on one
 * experiment or registered model.
 */
export function permissionHandlers(store: Store): Handlers {
  return Object.fromEntries(FAMILIES.flatMap((family) => Object.entries(familyHandlers(store, family))));
}

function familyHandlers(store: Store, family: Family): Handlers {
  const { kind, parameter, envelope, label, handlers } = family;
  const keys = { [parameter]: text, username: text };

  async function userNamed(username: string) {
    const user = await store.users.get(username);
    if (user === undefined) throw notFound(`User with username=${username} not found`);
    return user;
  }

  function target(values: Readonly<Record<string, string>>) {
    const id = values[parameter] ?? '';
    if (!isCanonical(kind, id, true)) throw invalid(`Parameter '${parameter}' is not a valid id.`);
    return { id, username: values['username'] ?? '' };
  }

  const missing = (id: string, username: string) =>
    notFound(`${label} with ${parameter}=${id} and username=${username} not found`);

  const shown = (id: string, userId: number, permission: Permission) => ({
    [envelope]: { [parameter]: id, user_id: userId, permission },
  });

  return {
    async [`${handlers}.create`](call) {
      const body = bodyOf(call, { ...keys, permission: text });
      const { id, username } = target(body);
      const permission = classic(body['permission']);
      const user = await userNamed(username);
      if (!(await store.grants.create(user.id, kind, id, permission))) {
        throw alreadyExists(`${label} (${parameter}=${id}, username=${username}) already exists.`);
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
      const permission = classic(body['permission']);
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

function classic(permission: string | undefined): Permission {
  const known = CLASSIC_PERMISSIONS.find((each) => each === permission);
  if (known !== undefined) return known;
  const names = CLASSIC_PERMISSIONS.map((each) => `'${each}'`).join(', ');
  throw invalid(`Invalid permission '${permission}'. Valid permissions are: (${names})`);
}
