import { ownerOfRole } from '../../policy/own-role.ts';
import { ACCESS_REQUEST_COMMANDS } from './access-request-commands.ts';
import {
  type Argument,
  CLASSIC_PERMISSION,
  DRY_RUN,
  EXPERIMENT_ID,
  IS_ACTIVE,
  IS_ADMIN,
  MODEL_NAME,
  MUST_CHANGE,
  PASSWORD,
  PERMISSION,
  RESOURCE_ID,
  RESOURCE_PATTERN,
  RESOURCE_TYPE,
  ROLE,
  ROLE_NAME,
  USERNAME,
} from './arguments.ts';
import { AUDIT_COMMAND } from './audit-command.ts';
import type { Command, Shows } from './command.ts';
import { EXPLAIN_COMMANDS } from './explain-commands.ts';
import { INVITATION_COMMANDS } from './invitation-commands.ts';
import { type JsonObject, objectsIn } from './json.ts';
import { LINK_COMMANDS } from './link-commands.ts';
import { LOCKOUT_COMMANDS } from './lockout-commands.ts';
import { LOGIN_COMMANDS } from './login-commands.ts';
import { onFlags, planListPermissions, planListRoleUsers, USER_COLUMNS } from './plans.ts';
import { onThing, tellHeritage } from './preview.ts';
import type { Column } from './render-table.ts';
import { REPORT_COMMAND } from './report-command.ts';
import type { Input } from './send.ts';
import { SESSION_COMMANDS } from './session-commands.ts';
import { SHARE_COMMANDS } from './share-commands.ts';
import { many, one } from './shows.ts';
import { findRolePermission, keepOwnPassword, oneList, seesEverybody } from './steps.ts';
import { TOKEN_COMMANDS } from './token-commands.ts';

/** `7:EDIT, 9:READ`. */
const permissionsIn = (list: string, id: string) => (row: JsonObject) =>
  objectsIn(row[list])
    .map((held) => `${held[id]}:${held['permission']}`)
    .join(', ');

const USER_DETAIL_COLUMNS: readonly Column[] = [
  ...USER_COLUMNS,
  ['EXPERIMENTS', permissionsIn('experiment_permissions', 'experiment_id')],
  ['MODELS', permissionsIn('registered_model_permissions', 'name')],
];
const ROLE_COLUMNS: readonly Column[] = [
  ['ID', 'id'],
  ['ROLE', 'name'],
  ['WORKSPACE', 'workspace'],
  ['DESCRIPTION', 'description'],
  [
    'GRANTS',
    (role) =>
      objectsIn(role['permissions'])
        .map((held) => `${held['resource_type']}/${held['resource_pattern']}:${held['permission']}`)
        .join(', '),
  ],
];
const ROLE_GRANT_COLUMNS: readonly Column[] = [
  ['ID', 'id'],
  ['TYPE', 'resource_type'],
  ['PATTERN', 'resource_pattern'],
  ['PERMISSION', 'permission'],
];

const roles = (whyEmpty: Shows['whyEmpty'] & object): Shows => ({
  ...many('roles', ROLE_COLUMNS),
  whyEmpty,
  pick: (reply) =>
    objectsIn(reply['roles']).filter((role) => ownerOfRole(String(role['name'])) === undefined),
});

const USERS = 'Users';
const PERMISSIONS = 'Permissions';
const ROLES = 'Roles';

const USER_COMMANDS: readonly Command[] = [
  {
    name: 'whoami',
    group: USERS,
    does: 'show who you are signed in as',
    takes: [],
    call: { method: 'GET', path: '2.0 users/current' },
    shows: one('user', USER_COLUMNS),
    examples: ['whoami'],
  },
  {
    name: 'list-users',
    group: USERS,
    does: 'list all users with their permissions',
    takes: [],
    call: { method: 'GET', path: '2.0 users' },
    shows: many('users', USER_DETAIL_COLUMNS),
    examples: ['list-users', 'list-users --to-json'],
  },
  {
    name: 'create-user',
    group: USERS,
    does: 'create a user',
    takes: [USERNAME, PASSWORD],
    flags: [MUST_CHANGE],
    call: { method: 'POST', path: '2.0 users/create' },
    shows: one('user', USER_COLUMNS),
    examples: [
      'create-user alice',
      'create-user alice --must-change-password True',
      'create-user alice - < password.txt',
      'create-user alice to-json',
    ],
  },
  {
    name: 'create-service-account',
    group: USERS,
    does: 'create a user without a password, for a machine',
    takes: [USERNAME],
    call: ({ username = '' }) => ({
      call: { method: 'POST', path: '2.0 users/create' },
      input: { username, is_service: true },
      shows: one('user', USER_COLUMNS),
    }),
    examples: ['create-service-account nightly-training'],
  },
  {
    name: 'get-user',
    group: USERS,
    does: 'show one user with its permissions',
    takes: [USERNAME],
    call: { method: 'GET', path: '2.0 users/get' },
    shows: one('user', USER_DETAIL_COLUMNS),
    examples: ['get-user alice', 'get-user alice to-json'],
  },
  {
    name: 'update-user-admin',
    group: USERS,
    does: 'make a user an admin, or no longer one',
    takes: [USERNAME, IS_ADMIN],
    call: { method: 'PATCH', path: '2.0 users/update-admin' },
    done: 'Set admin of {username} to {is_admin}.',
    examples: ['update-user-admin alice True', 'update-user-admin alice False'],
  },
  {
    name: 'update-user-status',
    group: USERS,
    does: 'disable a user, who keeps everything but is not let in, or enable one again',
    takes: [USERNAME, IS_ACTIVE],
    call: { method: 'PATCH', path: '2.0 users/update-status' },
    done: 'Set active of {username} to {is_active}.',
    examples: ['update-user-status alice False', 'update-user-status alice True'],
  },
  {
    name: 'update-user-password',
    group: USERS,
    does: 'change a password, your own or as an admin',
    takes: [USERNAME, PASSWORD],
    flags: [MUST_CHANGE],
    call: { method: 'PATCH', path: '2.0 users/update-password' },
    again: keepOwnPassword,
    done: 'Changed the password of {username}.',
    examples: ['update-user-password alice', 'update-user-password alice - < password.txt'],
  },
  {
    name: 'delete-user',
    group: USERS,
    does: 'delete a user',
    takes: [USERNAME],
    flags: [
      {
        field: 'give_to',
        usage: 'NAME',
        does: 'who is to manage what nobody but admins would manage any more',
        reads: 'text',
      },
      DRY_RUN,
    ],
    preview: onThing('delete_user'),
    warns: tellHeritage,
    call: { method: 'DELETE', path: '2.0 users/delete' },
    done: 'Deleted user {username}.',
    examples: ['delete-user alice --dry-run', 'delete-user alice --give-to bob'],
  },
];

/** The classic permissions API: the same four calls for each kind of resource. */
const CLASSIC = [
  { noun: 'experiment', argument: EXPERIMENT_ID, example: '7' },
  { noun: 'registered-model', argument: MODEL_NAME, example: 'churn' },
] as const;

const classicGrant = (type: string, { usage, field }: Argument): Shows =>
  one(`${type}_permission`, [
    [usage, field],
    ['USER_ID', 'user_id'],
    ['PERMISSION', 'permission'],
  ]);

const onClassic = (change: 'grant' | 'revoke', type: string, field: string) => (input: Input) =>
  onThing(change)({ ...input, resource_type: type, resource_id: String(input[field]) });

const CLASSIC_COMMANDS: readonly Command[] = CLASSIC.flatMap(({ noun, argument, example }): Command[] => {
  const type = noun.replace('-', '_');
  const on = (input: Input) => ({ type, id: String(input[argument.field]) });
  const shows = classicGrant(type, argument);
  const what = noun.replace('-', ' ');
  return [
    {
      name: `create-${noun}-permission`,
      group: PERMISSIONS,
      does: `give a user a permission on one ${what}`,
      takes: [argument, USERNAME, CLASSIC_PERMISSION],
      on,
      gives: true,
      flags: [DRY_RUN],
      preview: onClassic('grant', type, argument.field),
      call: { method: 'POST', path: `2.0 ${noun}s/permissions/create` },
      shows,
      ifExists: `Change it with update-${noun}-permission.`,
      examples: [`create-${noun}-permission ${example} alice EDIT`],
    },
    {
      name: `get-${noun}-permission`,
      group: PERMISSIONS,
      does: `show what a user was given on one ${what}`,
      takes: [argument, USERNAME],
      on,
      call: { method: 'GET', path: `2.0 ${noun}s/permissions/get` },
      shows,
      examples: [`get-${noun}-permission ${example} alice to-json`],
    },
    {
      name: `update-${noun}-permission`,
      group: PERMISSIONS,
      does: `change what a user was given on one ${what}`,
      takes: [argument, USERNAME, CLASSIC_PERMISSION],
      on,
      flags: [DRY_RUN],
      preview: onClassic('grant', type, argument.field),
      call: { method: 'PATCH', path: `2.0 ${noun}s/permissions/update` },
      done: `{username} now has {permission} on ${what} {${argument.field}}.`,
      examples: [`update-${noun}-permission ${example} alice MANAGE`],
    },
    {
      name: `delete-${noun}-permission`,
      group: PERMISSIONS,
      does: `take away what a user was given on one ${what}`,
      takes: [argument, USERNAME],
      on,
      flags: [DRY_RUN],
      preview: onClassic('revoke', type, argument.field),
      call: { method: 'DELETE', path: `2.0 ${noun}s/permissions/delete` },
      done: `{username} has no permission of its own on ${what} {${argument.field}} any more.`,
      examples: [`delete-${noun}-permission ${example} alice`],
    },
  ];
});

const onResource = ({ resource_type: type, resource_id: id }: Input) => ({
  type: String(type),
  id: String(id),
});
const onPattern = ({ resource_type: type, resource_pattern: id }: Input) => ({
  type: String(type),
  id: String(id),
});

const GRANT_COMMANDS: readonly Command[] = [
  {
    name: 'list-permissions',
    group: PERMISSIONS,
    does: 'list permissions: your own, those of a user, or those on a resource',
    more: 'What others hold is for admins to see. Admins may do everything and are listed on a resource only for what they were given.',
    takes: [],
    flags: [
      {
        field: 'user',
        usage: 'NAME',
        does: 'what this user was given, by itself or by a role',
        reads: 'text',
      },
      { field: 'experiment', usage: 'ID', does: 'who was given something on this experiment', reads: 'text' },
      {
        field: 'model',
        usage: 'NAME',
        does: 'who was given something on this registered model or prompt',
        reads: 'text',
      },
    ],
    on: onFlags,
    before: oneList,
    call: planListPermissions,
    examples: ['list-permissions', 'list-permissions --user alice', 'list-permissions --experiment 7'],
  },
  {
    name: 'grant',
    group: PERMISSIONS,
    does: 'give a user a permission on a resource of any type',
    takes: [USERNAME, RESOURCE_TYPE, RESOURCE_ID, PERMISSION],
    on: onResource,
    gives: true,
    flags: [DRY_RUN],
    preview: onThing('grant'),
    call: { method: 'POST', path: '3.0 users/permissions/grant' },
    done: '{username} now has {permission} on {resource_type} {resource_id}.',
    ifExists: 'To change it, revoke it first.',
    examples: ['grant alice gateway_endpoint chat USE', "grant alice registered_model '*' READ"],
  },
  {
    name: 'revoke',
    group: PERMISSIONS,
    does: 'take away what a user was given on a resource of any type',
    takes: [USERNAME, RESOURCE_TYPE, RESOURCE_ID],
    on: onResource,
    flags: [DRY_RUN],
    preview: onThing('revoke'),
    call: { method: 'POST', path: '3.0 users/permissions/revoke' },
    done: '{username} has no permission of its own on {resource_type} {resource_id} any more.',
    examples: ['revoke alice gateway_endpoint chat'],
  },
];

const DESCRIPTION = { field: 'description', usage: 'TEXT', does: 'what it is for', reads: 'text' } as const;
const WORKSPACE = { field: 'workspace', usage: 'NAME', does: 'the workspace', reads: 'text' } as const;

const ROLE_COMMANDS: readonly Command[] = [
  {
    name: 'list-roles',
    group: ROLES,
    does: 'list roles with their grants',
    takes: [],
    flags: [WORKSPACE],
    call: { method: 'GET', path: '3.0 roles/list' },
    shows: roles(() => 'There are no roles.'),
    examples: ['list-roles', 'list-roles --to-json'],
  },
  {
    name: 'create-role',
    group: ROLES,
    does: 'create a role',
    takes: [ROLE_NAME],
    flags: [DESCRIPTION, { ...WORKSPACE, fallback: 'default' }],
    call: { method: 'POST', path: '3.0 roles/create' },
    shows: one('role', ROLE_COLUMNS),
    examples: ["create-role analysts --description 'May read every experiment'"],
  },
  {
    name: 'get-role',
    group: ROLES,
    does: 'show one role with its grants',
    takes: [ROLE],
    call: { method: 'GET', path: '3.0 roles/get' },
    shows: one('role', ROLE_COLUMNS),
    examples: ['get-role analysts', 'get-role 3 to-json'],
  },
  {
    name: 'update-role',
    group: ROLES,
    does: 'rename or describe a role',
    takes: [ROLE],
    flags: [{ ...ROLE_NAME, usage: 'NAME', does: 'its new name' }, DESCRIPTION],
    call: { method: 'PATCH', path: '3.0 roles/update' },
    shows: one('role', ROLE_COLUMNS),
    examples: ['update-role analysts --name data-analysts'],
  },
  {
    name: 'delete-role',
    group: ROLES,
    does: 'delete a role, and with it what its members have by it',
    takes: [ROLE],
    flags: [DRY_RUN],
    preview: onThing('delete_role'),
    call: { method: 'DELETE', path: '3.0 roles/delete' },
    done: 'Deleted role {role_id}.',
    examples: ['delete-role analysts'],
  },
  {
    name: 'grant-role',
    group: ROLES,
    does: 'give a role a permission on a resource, or with * on all of a type',
    takes: [ROLE, RESOURCE_TYPE, RESOURCE_PATTERN, PERMISSION],
    on: onPattern,
    gives: true,
    flags: [DRY_RUN],
    preview: onThing('grant_role'),
    call: { method: 'POST', path: '3.0 roles/permissions/add' },
    shows: one('role_permission', ROLE_GRANT_COLUMNS),
    ifExists: 'To change it, take it away with revoke-role first.',
    examples: ["grant-role analysts experiment '*' READ"],
  },
  {
    name: 'revoke-role',
    group: ROLES,
    does: 'take away what a role was given on a resource',
    takes: [ROLE, RESOURCE_TYPE, RESOURCE_PATTERN],
    on: onPattern,
    before: findRolePermission,
    flags: [DRY_RUN],
    preview: onThing('revoke_role'),
    call: { method: 'DELETE', path: '3.0 roles/permissions/remove' },
    done: 'Taken away.',
    examples: ["revoke-role analysts experiment '*'"],
  },
  {
    name: 'assign-role',
    group: ROLES,
    does: 'make a user a member of a role',
    takes: [USERNAME, ROLE],
    flags: [DRY_RUN],
    preview: onThing('assign_role'),
    call: { method: 'POST', path: '3.0 roles/assign' },
    shows: one('assignment', [
      ['ID', 'id'],
      ['USER_ID', 'user_id'],
      ['ROLE_ID', 'role_id'],
    ]),
    examples: ['assign-role alice analysts'],
  },
  {
    name: 'unassign-role',
    group: ROLES,
    does: 'end a membership',
    takes: [USERNAME, ROLE],
    flags: [DRY_RUN],
    preview: onThing('unassign_role'),
    call: { method: 'DELETE', path: '3.0 roles/unassign' },
    done: '{username} is no longer a member of role {role_id}.',
    examples: ['unassign-role alice analysts'],
  },
  {
    name: 'list-role-users',
    group: ROLES,
    does: 'list the members of a role',
    takes: [ROLE],
    before: seesEverybody,
    call: planListRoleUsers,
    examples: ['list-role-users analysts'],
  },
  {
    name: 'list-user-roles',
    group: ROLES,
    does: 'list the roles of a user',
    takes: [USERNAME],
    call: { method: 'GET', path: '3.0 users/roles/list' },
    shows: roles((_reply, { username }) => `${username} is a member of no role.`),
    examples: ['list-user-roles alice'],
  },
];

/** Every command, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  ...USER_COMMANDS,
  ...TOKEN_COMMANDS,
  ...LOCKOUT_COMMANDS,
  ...LINK_COMMANDS,
  ...LOGIN_COMMANDS,
  ...SESSION_COMMANDS,
  ...INVITATION_COMMANDS,
  ...CLASSIC_COMMANDS,
  ...GRANT_COMMANDS,
  ...ROLE_COMMANDS,
  ...SHARE_COMMANDS,
  ...ACCESS_REQUEST_COMMANDS,
  ...EXPLAIN_COMMANDS,
  REPORT_COMMAND,
  AUDIT_COMMAND,
];
