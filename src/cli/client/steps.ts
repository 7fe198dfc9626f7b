import { isAdministration } from '../../policy/grant.ts';
import { refused, unusable } from '../failure.ts';
import type { Secrets } from '../secrets.ts';
import type { Connection } from './connection.ts';
import { objectsIn } from './json.ts';
import type { Ask, Input, Send, Sent, ServerRefusal } from './send.ts';

/** What a step may use besides the input. */
export interface StepTools {
  readonly send: Send;
  readonly ask: Ask;
  readonly connection: Connection;
  readonly secrets: Secrets;
  /** Why the call was refused; only for a second try. */
  readonly refusal?: ServerRefusal;
}

/** Turns the input of a call into a better one; undefined where it cannot. */
export type Step<Given extends Sent = Input> = (input: Given, tools: StepTools) => Promise<Given | undefined>;

/** The id of a role given by name or id: the roles API knows ids alone. */
export async function findRole(text: string, send: Send): Promise<number> {
  if (/^\d+$/.test(text)) {
    return Number(text);
  }
  const { roles } = await send({ method: 'GET', path: '3.0 roles/list' }, {});
  const ids = objectsIn(roles).flatMap(({ id, name }) =>
    name === text && typeof id === 'number' ? [id] : [],
  );
  const [id] = ids;
  if (id === undefined) {
    throw refused(`No role is called ${JSON.stringify(text)}; see list-roles.`);
  }
  if (ids.length > 1) {
    throw unusable(`Several workspaces have a role ${JSON.stringify(text)}; give its id: ${ids.join(', ')}.`);
  }
  return id;
}

/** A role's grant on (type, pattern): the roles API takes grants away by their id alone. */
export const findRolePermission: Step = async (
  { role_id = '', resource_type, resource_pattern },
  { send },
) => {
  const { role_permissions } = await send({ method: 'GET', path: '3.0 roles/permissions/list' }, { role_id });
  const held = objectsIn(role_permissions).find(
    (grant) => grant['resource_type'] === resource_type && grant['resource_pattern'] === resource_pattern,
  );
  if (typeof held?.['id'] !== 'number') {
    throw refused(`The role was given nothing on ${resource_type} ${resource_pattern}; see get-role.`);
  }
  return { role_permission_id: held['id'] };
};

/**
 * Refuses a list that would leave out, without a word, what the caller may not see: the list of users tells the roles
 * of others to admins and to administrators of the workspace alone.
 */
export const seesEverybody: Step = async (_input, { send }) => {
  const { is_admin: isAdmin, permissions } = await send(
    { method: 'GET', path: '3.0 users/current/permissions' },
    {},
  );
  const administers = objectsIn(permissions).some(
    ({ resource_type: type, resource_pattern: pattern, permission }) =>
      isAdministration({ resourceType: String(type), resourcePattern: String(pattern), permission }),
  );
  if (isAdmin === true || administers) {
    return undefined;
  }
  throw refused(
    'Permission denied. Only an admin may see what others hold; see list-permissions for your own.',
  );
};

/** What `list-permissions` must know: one list at a time, and all of it. */
export const oneList: Step = async (input, tools) => {
  const given = ['user', 'experiment', 'model'].filter((flag) => input[flag] !== undefined);
  if (given.length > 1) {
    throw unusable('Give only one of --user, --experiment and --model.');
  }
  const [flag = 'user'] = given;
  return flag === 'user' ? undefined : seesEverybody(input, tools);
};

/**
 * Users who change their own password must name the current one: the one signed in with when it is known,
 * otherwise it is asked for, or is the second line of what is piped in.
 */
export const keepOwnPassword: Step<Sent> = async (input, { connection, secrets, refusal }) => {
  if (
    input['current_password'] !== undefined ||
    !refusal?.message.startsWith('Current password is required')
  ) {
    return undefined;
  }
  const signedIn = connection.basic?.username === input['username'] ? connection.basic : undefined;
  return {
    ...input,
    current_password: signedIn?.password ?? (await secrets.read(`Current password of ${input['username']}`)),
  };
};
