import { RESOURCE_ID, RESOURCE_TYPE, USERNAME } from './arguments.ts';
import type { AskingCommand, Shows } from './command.ts';
import { type JsonObject, objectsIn } from './json.ts';
import { many, textOr, time } from './shows.ts';
import type { Step } from './steps.ts';
import { idOf } from './thing.ts';

/** A thing by its name, where it has one beside its id. */
const byName: Step = async (input, { ask }) => ({
  ...input,
  resource_id: await idOf({ type: String(input['resource_type']), id: String(input['resource_id']) }, ask),
});

const list = (value: unknown): string => (Array.isArray(value) ? value.join(', ') : '');

/** `role analysts READ on experiment *`. */
function sourceOf({
  source,
  name,
  permission,
  resource_type: type,
  resource_pattern: on,
}: JsonObject): string {
  const who =
    source === 'user' ? 'own grant' : source === 'role' ? `role ${name ?? '(of others)'}` : String(source);
  return typeof type === 'string' ? `${who} ${permission} on ${type} ${on}` : `${who} ${permission}`;
}

const EXPLANATION: Shows = {
  list: false,
  pick: (reply) => objectsIn([reply]),
  columns: [
    ['PERMISSION', 'permission'],
    ['MAY', ({ actions }) => list(actions) || 'nothing'],
    ['BECAUSE', 'because'],
    ['FROM', ({ sources }) => objectsIn(sources).map(sourceOf).join('; ')],
  ],
};

export const EXPLAIN_COMMANDS: readonly AskingCommand[] = [
  {
    name: 'explain',
    group: 'Permissions',
    does: 'show what a user may do to a thing, and which grants, roles or defaults decide that',
    more: 'By the very code that decides. About others: for admins, and who holds MANAGE on the thing. What belongs to an experiment, such as a run, is explained too.',
    takes: [USERNAME, RESOURCE_TYPE, { ...RESOURCE_ID, does: 'its id, or its name' }],
    before: byName,
    call: { method: 'GET', path: '2.0 permissions/explain' },
    shows: EXPLANATION,
    examples: ['explain alice experiment 7', "explain alice experiment 'credit risk'"],
  },
  {
    name: 'holders',
    group: 'Permissions',
    does: 'list everybody who may do anything to a thing, admins and those by default included',
    more: 'For admins, and who holds MANAGE on the thing.',
    takes: [RESOURCE_TYPE, { ...RESOURCE_ID, does: 'its id, or its name' }],
    before: byName,
    call: { method: 'GET', path: '2.0 permissions/holders' },
    shows: {
      ...many('holders', [
        ['NAME', 'username'],
        ['PERMISSION', 'permission'],
        ['BECAUSE', 'because'],
      ]),
      whyEmpty: () => 'Nobody may do anything to it.',
    },
    examples: ['holders experiment 7', 'holders registered_model churn'],
  },
  {
    name: 'reach',
    group: 'Permissions',
    does: 'list every experiment, or registered model, that a user may do anything to, and why',
    more: 'By the very code that decides. For admins.',
    takes: [
      USERNAME,
      {
        ...RESOURCE_TYPE,
        does: 'experiment or registered_model',
      },
    ],
    flags: [
      { field: 'contains', usage: 'TEXT', does: 'only those whose name has this in it', reads: 'text' },
    ],
    call: { method: 'GET', path: '2.0 permissions/reach' },
    shows: {
      ...many('reached', [
        ['TYPE', 'resource_type'],
        ['ID', 'resource_id'],
        ['NAME', 'name'],
        ['PERMISSION', 'permission'],
        ['BECAUSE', 'because'],
      ]),
      whyEmpty: (_reply, { username }) => `${username} reaches nothing of this kind.`,
    },
    examples: ['reach alice experiment', 'reach alice registered_model --contains churn'],
  },
  {
    name: 'explain-refusal',
    group: 'Audit',
    does: 'show why a request was refused, by the id that its message told',
    more: 'Only admins may.',
    takes: [
      { field: 'request_id', usage: 'REQUEST_ID', does: 'the id that stood in the message', reads: 'text' },
    ],
    call: { method: 'GET', path: '2.0 audit/search' },
    shows: {
      list: true,
      pick: ({ entries }) => objectsIn(entries).filter(({ allowed }) => allowed === false),
      columns: [
        ['TIME', time('at')],
        ['USER', textOr('username', '')],
        ['REQUEST', textOr('operation', 'of no known operation')],
        [
          'ON',
          ({ resources }) =>
            objectsIn(resources)
              .map((each) => `${each['resource_type']} ${each['resource_id']}`)
              .join(', '),
        ],
        ['BECAUSE', 'because'],
      ],
      whyEmpty: () =>
        'No refusal of that id is in the audit log: an entry is there after a second, and for audit_keep_days.',
    },
    examples: ['explain-refusal 6e0c2f5a-8f1d-4c59-9d0e-3b1f6a2c7d11'],
  },
];
