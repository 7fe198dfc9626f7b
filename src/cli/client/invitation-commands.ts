import { unusable } from '../failure.ts';
import { type Argument, USERNAME } from './arguments.ts';
import type { Command, Plan } from './command.ts';
import { type JsonObject, objectsIn } from './json.ts';
import type { Column } from './render-table.ts';
import type { Call, Input } from './send.ts';
import { many, time } from './shows.ts';
import { findRole, type Step } from './steps.ts';

const GROUP = 'Sign-in';

const HOURS: Argument = {
  field: 'hours',
  usage: 'HOURS',
  does: 'how long the link counts, if shorter than the server allows',
  reads: 'text',
};

const COLUMNS: readonly Column[] = [
  ['INVITATION_ID', 'invitation_id'],
  ['USER', 'username'],
  ['FOR', 'kind'],
  ['GOOD UNTIL', time('expires_at')],
];

/** A link that was made just now. */
const SHOWN_ONCE = {
  list: false,
  pick: ({ invitation, link }: JsonObject) => objectsIn([invitation]).map((each) => ({ ...each, link })),
  columns: [...COLUMNS, ['LINK (shown only now)', 'link']],
} as const;

const SECONDS_AN_HOUR = 3_600;

function planLink(call: Call, { username = '', hours, role_ids: roles, ...flags }: Input): Plan {
  if (hours !== undefined && !/^[1-9]\d{0,4}$/.test(String(hours))) {
    throw unusable('HOURS is a whole number, as in --hours 24.');
  }
  return {
    call,
    input: {
      username,
      ...flags,
      ...(roles !== undefined && { role_ids: String(roles).split(',').map(Number) }),
      ...(hours !== undefined && { expires_in_seconds: Number(hours) * SECONDS_AN_HOUR }),
    },
    shows: SHOWN_ONCE,
  };
}

/** Roles by name or id, as ids. */
const findRoles: Step = async ({ role, ...input }, { send }) => {
  if (role === undefined) {
    return undefined;
  }
  const ids: number[] = [];
  for (const each of String(role).split(',')) {
    ids.push(await findRole(each.trim(), send));
  }
  return { ...input, role_ids: ids.join(',') };
};

/** Commands about links by which users choose a password. */
export const INVITATION_COMMANDS: readonly Command[] = [
  {
    name: 'invite',
    group: GROUP,
    does: 'create a user, and a link by which they choose their password, once',
    more: 'The link is shown once. Hand it over in private: whoever opens it first chooses the password.',
    takes: [USERNAME],
    flags: [
      { field: 'is_admin', usage: '', does: 'they are to be an admin', reads: 'flag' },
      {
        field: 'role',
        usage: 'ROLE',
        does: 'a role they are to have, or several with commas between',
        reads: 'text',
      },
      HOURS,
    ],
    before: findRoles,
    call: (input) => planLink({ method: 'POST', path: '2.0 users/invitations/create' }, input),
    examples: [
      'invite carol',
      'invite carol --role analysts --hours 24',
      'invite carol to-json | jq -r .link',
    ],
  },
  {
    name: 'reset-password',
    group: GROUP,
    does: 'make a link by which a user chooses another password, once',
    more: 'The password so far counts until they have. To shut them out, disable them: update-user-status.',
    takes: [USERNAME],
    flags: [HOURS],
    call: (input) => planLink({ method: 'POST', path: '2.0 users/invitations/reset-password' }, input),
    examples: ['reset-password alice', 'reset-password alice --hours 1'],
  },
  {
    name: 'list-invitations',
    group: GROUP,
    does: 'list the links that are open, by which users choose a password',
    takes: [],
    flags: [{ field: 'user', usage: 'NAME', does: 'whose', reads: 'text' }],
    before: async ({ user }) => (user === undefined ? {} : { username: user }),
    call: { method: 'GET', path: '2.0 users/invitations/list' },
    shows: {
      ...many('invitations', [...COLUMNS, ['MADE', time('created_at')], ['BY', 'created_by']]),
      whyEmpty: () => 'No link is open.',
    },
    examples: ['list-invitations', 'list-invitations --user carol'],
  },
  {
    name: 'revoke-invitation',
    group: GROUP,
    does: 'end a link by which a user chooses a password',
    takes: [
      {
        field: 'invitation_id',
        usage: 'INVITATION_ID',
        does: 'the link, see list-invitations',
        reads: 'text',
      },
    ],
    call: { method: 'DELETE', path: '2.0 users/invitations/delete' },
    done: 'Revoked invitation {invitation_id}.',
    examples: ['revoke-invitation 019b0c4e-7a10-7c2e-9d8e-5f6b1c2d3e4f'],
  },
];
