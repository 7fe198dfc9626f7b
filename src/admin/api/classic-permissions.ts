import { alreadyExists, invalid, notFound } from '../../errors.ts';
import { isCanonical } from '../../mlflow/things/identifiers.ts';
import type { Permission } from '../../policy/permissions.ts';
import type { Reply } from '../../reply.ts';
import { text } from '../contract/fields.ts';
import { changeGrant, type GrantTarget, grant, revoke } from '../deeds/grants.ts';
import { type Call, DONE, type Handler } from '../handler.ts';
import { bodyOf, existingUser, type Meeting, queryOf, userToMeet } from './parameters.ts';
import { FAMILIES, type Family, type FamilyName, idIn, namesOf } from './permission-families.ts';

type Verb = 'create' | 'get' | 'update' | 'delete';
type ClassicHandlers = Readonly<Record<`${FamilyName}.${Verb}`, Handler>>;

/**
 * MLflow's classic permissions API (2.15 to 3.12, dropped since): one user's permission on one
 * experiment, registered model, scorer, or thing of the AI gateway.
 */
export function classicPermissionHandlers(parts: Meeting): ClassicHandlers {
  const named = FAMILIES.flatMap((family) =>
    Object.entries(familyHandlers(parts, family)).map(
      ([verb, handler]) => [`${family.handlers}.${verb}`, handler] as const,
    ),
  );
  // The compiler does not see that each verb of each family is there.
  return Object.fromEntries(named) as ClassicHandlers;
}

function familyHandlers(parts: Meeting, family: Family): Readonly<Record<Verb, Handler>> {
  const { store } = parts;
  const { kind: type, parameters, envelope, label } = family;
  const keys = { ...Object.fromEntries(parameters.map((name) => [name, text])), username: text };

  /** What a request names. */
  function targetIn(values: Readonly<Record<string, string>>): GrantTarget {
    const id = idIn(family, values);
    if (!isCanonical(type, id, true)) {
      throw invalid(`Parameter '${parameters[0]}' is not a valid id.`);
    }
    return { type, id };
  }

  /** What a request names, of which user; see {@link userToMeet} for none. */
  async function heldIn(call: Call, values: Readonly<Record<string, string>>) {
    const target = targetIn(values);
    const username = values['username'] ?? '';
    return { target, username, user: await userToMeet(parts, call, username) };
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

  return {
    async create(call: Call) {
      const body = bodyOf(call, { ...keys, permission: text });
      const permission = permissionIn(family, body);
      const target = targetIn(body);
      const user = await existingUser(store.users, body['username'] ?? '');
      if (!(await grant(call.changing.grants, user, target, permission))) {
        throw alreadyExists(`${label} (${named(target.id)}, username=${user.username}) already exists.`);
      }
      return shown(target, user.id, permission);
    },

    async get(call: Call) {
      const { target, username, user } = await heldIn(call, queryOf(call, keys));
      const permission = user && (await store.grants.get(user.id, target.type, target.id));
      if (user === undefined || permission === undefined) {
        throw missing(target, username);
      }
      return shown(target, user.id, permission);
    },

    async update(call: Call) {
      const body = bodyOf(call, { ...keys, permission: text });
      const permission = permissionIn(family, body);
      const { target, username, user } = await heldIn(call, body);
      if (user === undefined || !(await changeGrant(call.changing.grants, user, target, permission))) {
        throw missing(target, username);
      }
      return DONE;
    },

    async delete(call: Call) {
      const { target, username, user } = await heldIn(call, bodyOf(call, keys));
      if (user === undefined || !(await revoke(call.changing.grants, user, target))) {
        throw missing(target, username);
      }
      return DONE;
    },
  };
}

/** @throws ApiError 400 in MLflow's words. */
function permissionIn({ permissions }: Family, { permission }: Readonly<Record<string, string>>): Permission {
  const known = permissions.find((each) => each === permission);
  if (known !== undefined) {
    return known;
  }
  const names = permissions.map((each) => `'${each}'`).join(', ');
  throw invalid(`Invalid permission '${permission}'. Valid permissions are: (${names})`);
}
