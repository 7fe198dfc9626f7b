import { isCanonical } from '../../mlflow/things/identifiers.ts';
import { unusable } from '../failure.ts';
import type { Command, Plan } from './command.ts';
import { isJsonObject, type JsonObject, objectsIn } from './json.ts';
import type { Column } from './render-table.ts';
import type { Input } from './send.ts';
import { many, textOr, time } from './shows.ts';
import type { Step } from './steps.ts';
import { insistOnId, lookAt } from './thing.ts';

const GROUP = 'Tokens';

const TOKEN_ID = {
  field: 'token_id',
  usage: 'TOKEN_ID',
  does: 'the token, see list-tokens',
  reads: 'text',
} as const;
const USER = { field: 'user', usage: 'NAME', reads: 'text' } as const;

/** `all`, `read`, `experiment/7, prompt/greeting` or `read experiment/7`. */
function scopeText({ scope }: JsonObject): string {
  if (!isJsonObject(scope)) {
    return 'all';
  }
  const roots = objectsIn(scope['resources']).map(
    (root) => `${root['resource_type']}/${root['resource_id']}`,
  );
  return [...(scope['access'] === 'read' ? ['read'] : []), roots.join(', ')].filter(Boolean).join(' ');
}

const COLUMNS: readonly Column[] = [
  ['TOKEN_ID', 'token_id'],
  ['NAME', 'name'],
  ['USER', 'username'],
  ['SCOPE', scopeText],
  ['EXPIRES', time('expires_at', 'never')],
];

/** A token that was made just now, with its secret. */
const SHOWN_ONCE = {
  list: false,
  pick: (reply: JsonObject) =>
    objectsIn([reply['token']]).map((token) => ({ ...token, secret: reply['secret'] })),
  columns: [...COLUMNS, ['SECRET (shown only now)', 'secret']],
} as const;

const SECONDS_A_DAY = 86_400;

/** A life in seconds, of `--days`. */
export function secondsOf(days: Input[string]): number {
  if (!/^\d{1,6}$/.test(String(days))) {
    throw unusable('DAYS is a whole number, as in --days 30.');
  }
  return Number(days) * SECONDS_A_DAY;
}

/** What a new token is asked to be, by the flags. */
function planCreateToken({ name = '', user, days, access, experiment, model }: Input): Plan {
  const resources = [
    ...listed(experiment).map((id) => ({ resource_type: 'experiment', resource_id: id })),
    ...listed(model).map((id) => ({ resource_type: 'registered_model', resource_id: id })),
  ];
  const scope = {
    ...(access !== undefined && { access }),
    ...(resources.length > 0 && { resources }),
  };
  return {
    call: { method: 'POST', path: '2.0 users/tokens/create' },
    input: {
      name,
      ...(user !== undefined && { username: user }),
      ...(days !== undefined && { expires_in_seconds: secondsOf(days) }),
      ...(Object.keys(scope).length > 0 && { scope }),
    },
    shows: SHOWN_ONCE,
  };
}

const listed = (ids: Input[string] | undefined): readonly string[] =>
  ids === undefined ? [] : String(ids).split(',');

/** A token for a name would be one for nothing. An id costs no look. */
const insistOnIds: Step = async ({ experiment }, { ask }) => {
  for (const id of listed(experiment)) {
    const thing = { type: 'experiment', id };
    if (!isCanonical('experiment', id)) {
      insistOnId(thing, await lookAt(thing, ask));
    }
  }
  return undefined;
};

/** What the caller holds, to be shown beside who they are. */
const readOwnPermissions: Step = async (_input, { send }) => {
  const { permissions } = await send({ method: 'GET', path: '3.0 users/current/permissions' }, {});
  return {
    permissions: objectsIn(permissions)
      .map(({ resource_type: type, resource_pattern: id, permission }) => `${type}/${id}:${permission}`)
      .join(', '),
  };
};

function planInfo({ permissions = '' }: Input): Plan {
  return {
    call: { method: 'GET', path: '2.0 users/current' },
    input: {},
    shows: {
      list: false,
      pick: ({ user, credential }) =>
        objectsIn([user]).map(({ username, is_admin }) => ({
          username,
          is_admin,
          ...(isJsonObject(credential) && { credential }),
          permissions,
        })),
      columns: [
        ['NAME', 'username'],
        ['ADMIN', 'is_admin'],
        ['BY', ({ credential }) => (isJsonObject(credential) ? textOr('kind', '')(credential) : '')],
        ['SCOPE', ({ credential }) => (isJsonObject(credential) ? scopeText(credential) : 'all')],
        [
          'UNTIL',
          ({ credential }) => (isJsonObject(credential) ? time('expires_at', 'no end')(credential) : ''),
        ],
        ['PERMISSIONS', 'permissions'],
      ],
    },
  };
}

/** Commands about tokens, by which programs sign in. */
export const TOKEN_COMMANDS: readonly Command[] = [
  {
    name: 'info',
    group: GROUP,
    does: 'show who you are, by which credential and until when, and what you may do',
    more: 'What the default permission of the server allows is not listed.',
    takes: [],
    before: readOwnPermissions,
    call: planInfo,
    examples: ['info', 'info to-json'],
  },
  {
    name: 'create-token',
    group: GROUP,
    does: 'make a token to sign in by, yours or as an admin another user’s',
    more: 'Its secret is shown once. MLflow takes it in MLFLOW_TRACKING_TOKEN.',
    takes: [{ field: 'name', usage: 'NAME', does: 'what you will know it by', reads: 'text' }],
    flags: [
      { ...USER, does: 'whose it is to be, such as a service account' },
      { field: 'days', usage: 'DAYS', does: 'how long it lives', reads: 'text' },
      {
        field: 'access',
        usage: 'ACCESS',
        does: 'read, for one that may only read',
        reads: 'choice',
        choices: ['read'],
      },
      {
        field: 'experiment',
        usage: 'ID',
        does: 'it may do nothing outside this experiment, or several with commas between',
        reads: 'text',
      },
      {
        field: 'model',
        usage: 'NAME',
        does: 'nor outside this registered model or prompt, or several',
        reads: 'text',
      },
    ],
    before: insistOnIds,
    call: planCreateToken,
    examples: [
      'create-token laptop',
      'create-token nightly --user nightly-training --days 365',
      'create-token dashboard --access read',
      'create-token churn --experiment 7 --model churn',
      'create-token ci to-json | jq -r .secret',
    ],
  },
  {
    name: 'list-tokens',
    group: GROUP,
    does: 'list your tokens, or as an admin those of a user or of all',
    takes: [],
    flags: [{ ...USER, does: 'whose' }],
    before: async ({ user }) => (user === undefined ? {} : { username: user }),
    call: { method: 'GET', path: '2.0 users/tokens/list' },
    shows: {
      ...many('tokens', [...COLUMNS, ['LAST USED', time('last_used_at', 'never')], ['BEGINS', 'prefix']]),
      whyEmpty: () => 'There are no tokens.',
    },
    examples: ['list-tokens', 'list-tokens --user alice'],
  },
  {
    name: 'rotate-token',
    group: GROUP,
    does: 'give a token another secret, which ends the one before at once',
    takes: [TOKEN_ID],
    call: { method: 'POST', path: '2.0 users/tokens/rotate' },
    shows: SHOWN_ONCE,
    examples: ['rotate-token 019b0c4e-7a10-7c2e-9d8e-5f6b1c2d3e4f'],
  },
  {
    name: 'delete-token',
    group: GROUP,
    does: 'delete a token, which is refused from then on',
    takes: [TOKEN_ID],
    call: { method: 'DELETE', path: '2.0 users/tokens/delete' },
    done: 'Deleted token {token_id}.',
    examples: ['delete-token 019b0c4e-7a10-7c2e-9d8e-5f6b1c2d3e4f'],
  },
];
