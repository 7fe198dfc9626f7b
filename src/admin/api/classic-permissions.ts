import type { ReadingStore } from '../../audit/changing.ts';
import { alreadyExists, invalid, notFound } from '../../errors.ts';
import { isCanonical } from '../../mlflow/things/identifiers.ts';
import type { Permission } from '../../policy/permissions.ts';
import type { Reply } from '../../reply.ts';
import { text } from '../contract/fields.ts';
import { changeGrant, type GrantTarget, grant, revoke } from '../deeds/grants.ts';
import { type Call, DONE, type Handler } from '../handler.ts';
import { bodyOf, existingUser, queryOf } from './parameters.ts';
import { FAMILIES, type Family, type FamilyName, idIn, namesOf } from './permission-families.ts';

type Verb = 'create' | 'get' | 'update' | 'delete';
type ClassicHandlers = Readonly<Record<`${FamilyName}.${Verb}`, Handler>>;

/**
 * MLflow's classic permissions API (2.15 to 3.12, dropped since): one user's permission on one
 * experiment, registered model, scorer, or thing of the AI gateway.
 */
export function classicPermissionHandlers(store: ReadingStore): ClassicHandlers {
  const named = FAMILIES.flatMap((family) =>
    Object.entries(familyHandlers(store, family)).map(
      ([verb, handler]) => [`${family.handlers}.${verb}`, handler] as const,
    ),
  );
  // The compiler does not see that each verb of each family is there.
  return Object.fromEntries(named) as ClassicHandlers;
}

function familyHandlers(store: ReadingStore, family: Family): Readonly<Record<Verb, Handler>> {
  const { kind: type, parameters, envelope, label } = family;
  const keys = { ...Object.fromEntries(parameters.map((name) => [name, text])), username: text };

  /** What a request names, of which user. */
  async function targetIn(values: Readonly<Record<string, string>>) {
    const id = idIn(family, values);
    if (!isCanonical(type, id, true)) {
      throw invalid(`Parameter '${parameters[0]}' is not a valid id.`);
    }
    const user = await existingUser(store.users, values['username'] ?? '');
    return { target: { type, id } satisfies GrantTarget, user };
  }

  const named = (id: string) =>
    Object.entries(namesOf(family, id))
      .map(([name, value]) => `${name}=${value}`)
      .join(', ');
  // MLflow's own comma.
  const and = parameters.length > 1 ? ', and' : ' and';

  const missing = ({ id }: GrantTarget, username: string) =>
    notFound(`${label} with ${named(id)}${and} username=${username} not found`);

  const shown = ({ id }: GrantTarget, userId: number, permission: Permission): Reply => ({
    body: { [envelope]: { ...namesOf(family, id), user_id: userId, permission } },
  });

  function permissionIn({ permission }: Readonly<Record<string, string>>): Permission {
    const known = family.permissions.find((each) => each === permission);
    if (known !== undefined) {
      return known;
    }
    const names = family.permissions.map((each) => `'${each}'`).join(', ');
    throw invalid(`Invalid permission '${permission}'. Valid permissions are: (${names})`);
  }

  return {
    async create(call: Call) {
      const body = bodyOf(call, { ...keys, permission: text });
      const permission = permissionIn(body);
      const { target, user } = await targetIn(body);
      if (!(await grant(call.changing.grants, user, target, permission))) {
        throw alreadyExists(`${label} (${named(target.id)}, username=${user.username}) already exists.`);
      }
      return shown(target, user.id, permission);
    },

    async get(call: Call) {
      const { target, user } = await targetIn(queryOf(call, keys));
      const permission = await store.grants.get(user.id, target.type, target.id);
      if (permission === undefined) {
        throw missing(target, user.username);
      }
      return shown(target, user.id, permission);
    },

    async update(call: Call) {
      const body = bodyOf(call, { ...keys, permission: text });
      const permission = permissionIn(body);
      const { target, user } = await targetIn(body);
      if (!(await changeGrant(call.changing.grants, user, target, permission))) {
        throw missing(target, user.username);
      }
      return DONE;
    },

    async delete(call: Call) {
      const { target, user } = await targetIn(bodyOf(call, keys));
      if (!(await revoke(call.changing.grants, user, target))) {
        throw missing(target, user.username);
      }
      return DONE;
    },
  };
}
