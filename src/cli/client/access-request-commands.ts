import { LONGEST_MESSAGE } from '../../admin/contract/access-requests.ts';
import { type Argument, RESOURCE_ID } from './arguments.ts';
import type { Command } from './command.ts';
import type { Column } from './render-table.ts';
import { many, one, textOr, time } from './shows.ts';

const GROUP = 'Requests for access';

const KIND: Argument = {
  field: 'resource_type',
  usage: 'TYPE',
  does: 'experiment or registered_model',
  reads: 'type',
};
const MESSAGE: Argument = {
  field: 'message',
  usage: 'TEXT',
  does: `what to say, up to ${LONGEST_MESSAGE} characters`,
  reads: 'text',
};
const REQUEST: Argument = {
  field: 'access_request_id',
  usage: 'ID',
  does: 'the request, see list-access-requests',
  reads: 'text',
};
const level = (choices: readonly string[]): Argument => ({
  field: 'permission',
  usage: 'PERMISSION',
  does: `one of ${choices.join(', ')}`,
  reads: 'choice',
  choices,
});

const OWN_COLUMNS: readonly Column[] = [
  ['ID', 'access_request_id'],
  ['TYPE', 'resource_type'],
  ['ON', 'resource_id'],
  ['PERMISSION', 'permission'],
  ['ASKED', time('created_at')],
  ['STATE', 'state'],
  ['GRANTED', textOr('granted', '')],
  ['ANSWER', textOr('answer', '')],
];

/** Commands about access that users ask for. */
export const ACCESS_REQUEST_COMMANDS: readonly Command[] = [
  {
    name: 'request-access',
    group: GROUP,
    does: 'ask whoever manages an experiment or registered model for access to it',
    more: 'Whether there is such a thing is not told. A request opens nothing by itself.',
    takes: [KIND, RESOURCE_ID, level(['READ', 'EDIT'])],
    flags: [MESSAGE],
    call: { method: 'POST', path: '2.0 access-requests/create' },
    shows: one('access_request', OWN_COLUMNS.slice(0, 6)),
    examples: [
      'request-access experiment 7 READ',
      "request-access registered_model churn EDIT --message 'For the report'",
    ],
  },
  {
    name: 'list-access-requests',
    group: GROUP,
    does: 'list the open requests for access that you may answer',
    takes: [],
    call: { method: 'GET', path: '2.0 access-requests/list' },
    shows: {
      ...many('access_requests', [
        ['ID', 'access_request_id'],
        ['USER', 'username'],
        ['TYPE', 'resource_type'],
        ['ON', 'resource_id'],
        ['NAME', 'resource_name'],
        ['PERMISSION', 'permission'],
        ['ASKED', time('created_at')],
        ['MESSAGE', 'message'],
      ]),
      whyEmpty: () => 'Nobody asks for access to what you manage.',
    },
    examples: ['list-access-requests'],
  },
  {
    name: 'list-own-access-requests',
    group: GROUP,
    does: 'list what you have asked for access to, and what was said to it',
    takes: [],
    call: { method: 'GET', path: '2.0 access-requests/list-own' },
    shows: { ...many('access_requests', OWN_COLUMNS), whyEmpty: () => 'You have asked for nothing.' },
    examples: ['list-own-access-requests'],
  },
  {
    name: 'grant-access-request',
    group: GROUP,
    does: 'grant what a user asks for, or as much as you think right',
    takes: [REQUEST, level(['READ', 'USE', 'EDIT', 'MANAGE'])],
    flags: [MESSAGE],
    call: (input) => ({
      call: { method: 'POST', path: '2.0 access-requests/answer' },
      input: { ...input, decision: 'grant' },
      shows: undefined,
    }),
    done: 'Granted {permission}.',
    examples: ['grant-access-request 12 READ'],
  },
  {
    name: 'decline-access-request',
    group: GROUP,
    does: 'decline what a user asks for',
    takes: [REQUEST],
    flags: [MESSAGE],
    call: (input) => ({
      call: { method: 'POST', path: '2.0 access-requests/answer' },
      input: { ...input, decision: 'decline' },
      shows: undefined,
    }),
    done: 'Declined.',
    examples: ["decline-access-request 12 --message 'Ask the data team'"],
  },
  {
    name: 'withdraw-access-request',
    group: GROUP,
    does: 'take back a request of yours that has no answer yet',
    takes: [{ ...REQUEST, does: 'the request, see list-own-access-requests' }],
    call: { method: 'DELETE', path: '2.0 access-requests/withdraw' },
    done: 'Withdrawn.',
    examples: ['withdraw-access-request 12'],
  },
];
