import { refused } from '../failure.ts';
import { type Argument, RESOURCE_ID, RESOURCE_TYPE } from './arguments.ts';
import type { Command } from './command.ts';
import { isJsonObject, objectsIn } from './json.ts';
import type { Step } from './steps.ts';

const ROLE: Argument = {
  field: 'role_id',
  usage: 'ROLE',
  does: 'a role that you have, by name or id',
  reads: 'text',
};
const PERMISSION: Argument = {
  field: 'permission',
  usage: 'PERMISSION',
  does: 'one of READ, USE, EDIT, MANAGE',
  reads: 'choice',
  choices: ['READ', 'USE', 'EDIT', 'MANAGE'],
};

/** The id of a role of one's own: others are not told to who administers none. */
const findOwnRole: Step = async (input, { send }) => {
  const name = String(input['role_id']);
  if (/^\d+$/.test(name)) {
    return { ...input, role_id: Number(name) };
  }
  const { user } = await send({ method: 'GET', path: '2.0 users/current' }, {});
  const username = isJsonObject(user) ? String(user['username']) : '';
  const { roles } = await send({ method: 'GET', path: '3.0 users/roles/list' }, { username });
  const found = objectsIn(roles).find((role) => role['name'] === name);
  if (typeof found?.['id'] !== 'number') {
    throw refused(`You have no role ${JSON.stringify(name)}; see list-user-roles.`);
  }
  return { ...input, role_id: found['id'] };
};

/** Commands by which users who administer no roles share what they manage with roles that they have. */
export const SHARE_COMMANDS: readonly Command[] = [
  {
    name: 'share-with-role',
    group: 'Permissions',
    does: 'give a role that you have a permission on a thing that you manage',
    more: 'It changes what the role was given on just that. For other roles ask an admin.',
    takes: [ROLE, RESOURCE_TYPE, RESOURCE_ID, PERMISSION],
    before: findOwnRole,
    call: { method: 'POST', path: '2.0 permissions/grant-role' },
    done: 'The role now has {permission} on {resource_type} {resource_id}.',
    examples: ['share-with-role analysts experiment 7 READ'],
  },
  {
    name: 'unshare-with-role',
    group: 'Permissions',
    does: 'take away what a role that you have was given on a thing that you manage',
    takes: [ROLE, RESOURCE_TYPE, RESOURCE_ID],
    before: findOwnRole,
    call: { method: 'POST', path: '2.0 permissions/revoke-role' },
    done: 'Taken away.',
    examples: ['unshare-with-role analysts experiment 7'],
  },
];
