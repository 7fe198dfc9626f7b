import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { COMMANDS } from '../../../src/cli/client/commands.ts';
import { type Answer, type Asked, type FakeServer, startFake } from './fake-server.ts';
import { type Ran, run } from './run.ts';

const ALICE = {
  id: 2,
  username: 'alice',
  is_admin: false,
  experiment_permissions: [{ experiment_id: '7', user_id: 2, permission: 'EDIT' }],
  registered_model_permissions: [{ name: 'churn', user_id: 2, permission: 'READ' }],
};
const BOB = { ...ALICE, id: 3, username: 'bob', is_admin: true, experiment_permissions: [] };
const ON_EXPERIMENT = { experiment_id: '7', user_id: 2, permission: 'EDIT' };
const ON_MODEL = { name: 'churn', user_id: 2, permission: 'READ' };
const ANALYSTS = {
  id: 3,
  name: 'analysts',
  workspace: 'default',
  description: null,
  permissions: [
    { id: 9, role_id: 3, resource_type: 'experiment', resource_pattern: '*', permission: 'READ' },
  ],
};
const OWN_GRANTS = {
  id: 4,
  name: '__user_2__',
  workspace: 'default',
  permissions: [
    { id: 10, role_id: 4, resource_type: 'experiment', resource_pattern: '7', permission: 'EDIT' },
  ],
};

const NONE: Answer = [404, { error_code: 'RESOURCE_DOES_NOT_EXIST', message: 'There is none.' }];
/** What is asked to see what an id names. */
const LOOK = /\/api\/[23]\.0\/mlflow\/(?:experiments\/get|registered-models\/get|gateway\/)/;

/** What a server with these users, roles and things says. */
const ANSWERS: Readonly<Record<string, Answer>> = {
  'GET /api/2.0/mlflow/experiments/get': [200, { experiment: { experiment_id: '7', creation_time: '1' } }],
  'GET /api/2.0/mlflow/registered-models/get': [
    200,
    { registered_model: { name: 'churn', creation_timestamp: '1', last_updated_timestamp: '1' } },
  ],
  'GET /api/2.0/mlflow/users': [200, { users: [ALICE, BOB] }],
  'POST /api/2.0/mlflow/users/create': [200, { user: ALICE }],
  'GET /api/2.0/mlflow/users/get': [200, { user: ALICE }],
  'GET /api/2.0/mlflow/users/current': [200, { user: ALICE, is_basic_auth: true }],
  'GET /api/2.0/mlflow/users/list': [
    200,
    {
      users: [
        { id: 2, username: 'alice', is_admin: false, roles: [ANALYSTS, OWN_GRANTS] },
        { id: 3, username: 'bob', is_admin: true, roles: [] },
      ],
    },
  ],
  'PATCH /api/2.0/mlflow/users/update-admin': [200, {}],
  'PATCH /api/2.0/mlflow/users/update-password': [200, {}],
  'PATCH /api/2.0/mlflow/users/update-status': [200, {}],
  'PATCH /api/2.0/mlflow/users/link': [200, {}],
  'DELETE /api/2.0/mlflow/users/delete': [200, {}],
  'GET /api/2.0/mlflow/users/lockouts/list': [
    200,
    { lockouts: [{ username: 'alice', ip: null, failures: 30, until: 1_796_000_000_000 }] },
  ],
  'DELETE /api/2.0/mlflow/users/lockouts/delete': [200, {}],
  'POST /api/2.0/mlflow/experiments/permissions/create': [200, { experiment_permission: ON_EXPERIMENT }],
  'GET /api/2.0/mlflow/experiments/permissions/get': [200, { experiment_permission: ON_EXPERIMENT }],
  'PATCH /api/2.0/mlflow/experiments/permissions/update': [200, {}],
  'DELETE /api/2.0/mlflow/experiments/permissions/delete': [200, {}],
  'POST /api/2.0/mlflow/registered-models/permissions/create': [
    200,
    { registered_model_permission: ON_MODEL },
  ],
  'GET /api/2.0/mlflow/registered-models/permissions/get': [200, { registered_model_permission: ON_MODEL }],
  'PATCH /api/2.0/mlflow/registered-models/permissions/update': [200, {}],
  'DELETE /api/2.0/mlflow/registered-models/permissions/delete': [200, {}],
  'POST /api/3.0/mlflow/users/permissions/grant': [200, {}],
  'POST /api/3.0/mlflow/users/permissions/revoke': [200, {}],
  'GET /api/3.0/mlflow/users/permissions/list': [
    200,
    {
      is_admin: false,
      permissions: [
        {
          role_id: 4,
          role_name: '__user_2__',
          resource_type: 'experiment',
          resource_pattern: '7',
          permission: 'EDIT',
        },
      ],
    },
  ],
  'GET /api/3.0/mlflow/users/current/permissions': [200, { is_admin: false, permissions: [] }],
  'GET /api/3.0/mlflow/users/roles/list': [200, { roles: [ANALYSTS, OWN_GRANTS] }],
  'GET /api/3.0/mlflow/roles/list': [200, { roles: [ANALYSTS, OWN_GRANTS] }],
  'POST /api/3.0/mlflow/roles/create': [200, { role: ANALYSTS }],
  'GET /api/3.0/mlflow/roles/get': [200, { role: ANALYSTS }],
  'PATCH /api/3.0/mlflow/roles/update': [200, { role: ANALYSTS }],
  'DELETE /api/3.0/mlflow/roles/delete': [200, {}],
  'POST /api/3.0/mlflow/roles/permissions/add': [200, { role_permission: ANALYSTS.permissions[0] ?? {} }],
  'GET /api/3.0/mlflow/roles/permissions/list': [200, { role_permissions: ANALYSTS.permissions }],
  'DELETE /api/3.0/mlflow/roles/permissions/remove': [200, {}],
  'POST /api/3.0/mlflow/roles/assign': [200, { assignment: { id: 1, user_id: 2, role_id: 3 } }],
  'DELETE /api/3.0/mlflow/roles/unassign': [200, {}],
};

let server: FakeServer | undefined;
afterEach(async () => {
  await server?.stop();
  server = undefined;
});

const SIGNED_IN = { MLFLOW_TRACKING_USERNAME: 'admin', MLFLOW_TRACKING_PASSWORD: 'the admin password' };

async function against(
  answers: Parameters<typeof startFake>[0],
  argv: readonly string[],
  options: Parameters<typeof run>[2] & { readonly env?: Record<string, string> } = {},
): Promise<Ran & Pick<FakeServer, 'asked' | 'uri'> & { readonly looks: readonly Asked[] }> {
  server = await startFake(answers);
  const ran = await run(argv, { MLFLOW_TRACKING_URI: server.uri, ...(options.env ?? SIGNED_IN) }, options);
  const looks = server.asked.filter(({ target = '' }) => LOOK.test(target));
  return { ...ran, asked: server.asked.filter((each) => !looks.includes(each)), looks, uri: server.uri };
}

test.each([
  [{}, undefined],
  [{ MLFLOW_WORKSPACE: '' }, undefined],
  [{ MLFLOW_WORKSPACE: 'team-a' }, 'team-a'],
])('with %o a request is about workspace %s', async (env, workspace) => {
  const answers = { 'GET /api/3.0/mlflow/roles/list': [200, { roles: [] }] } as const;
  const { code, asked } = await against(answers, ['list-roles'], { env: { ...SIGNED_IN, ...env } });
  expect(code).toBe(0);
  expect(asked.at(-1)?.workspace).toBe(workspace);
});

/** What the caller is told of their own permissions. */
const sees = (permissions: object) => ({
  'GET /api/3.0/mlflow/users/current/permissions': [200, permissions] as const,
});
const json = (...objects: object[]) => objects.map((object) => `${JSON.stringify(object)}\n`).join('');
const body = (target: string, sent: object) => ({ target: `/api/${target}`, body: sent });
const query = (target: string) => ({ target: `/api/${target}`, body: undefined });

describe('every line of the old READMEs works as it is written there', () => {
  const LINES: readonly [line: string, method: string, sent: object, stdout: string | RegExp][] = [
    ['list-users --to-json', 'GET', query('2.0/mlflow/users'), json(ALICE, BOB)],
    [
      'create-user alice secret1',
      'POST',
      body('2.0/mlflow/users/create', { username: 'alice', password: 'secret1' }),
      /alice/,
    ],
    [
      'create-user alice secret1 to-json',
      'POST',
      body('2.0/mlflow/users/create', { username: 'alice', password: 'secret1' }),
      json(ALICE),
    ],
    ['get-user alice', 'GET', query('2.0/mlflow/users/get?username=alice'), /alice +no +7:EDIT +churn:READ/],
    ['get-user alice to-json', 'GET', query('2.0/mlflow/users/get?username=alice'), json(ALICE)],
    [
      'update-user-admin alice True',
      'PATCH',
      body('2.0/mlflow/users/update-admin', { username: 'alice', is_admin: true }),
      /alice/,
    ],
    [
      'update-user-admin alice False',
      'PATCH',
      body('2.0/mlflow/users/update-admin', { username: 'alice', is_admin: false }),
      /alice/,
    ],
    [
      'update-user-password alice secret1',
      'PATCH',
      body('2.0/mlflow/users/update-password', { username: 'alice', password: 'secret1' }),
      /alice/,
    ],
    ['delete-user alice', 'DELETE', body('2.0/mlflow/users/delete', { username: 'alice' }), /alice/],
    [
      'create-experiment-permission 7 alice EDIT',
      'POST',
      body('2.0/mlflow/experiments/permissions/create', {
        experiment_id: '7',
        username: 'alice',
        permission: 'EDIT',
      }),
      /7 +2 +EDIT/,
    ],
    [
      'create-experiment-permission 7 alice MANAGE to-json',
      'POST',
      body('2.0/mlflow/experiments/permissions/create', {
        experiment_id: '7',
        username: 'alice',
        permission: 'MANAGE',
      }),
      json(ON_EXPERIMENT),
    ],
    [
      'update-experiment-permission 7 alice MANAGE',
      'PATCH',
      body('2.0/mlflow/experiments/permissions/update', {
        experiment_id: '7',
        username: 'alice',
        permission: 'MANAGE',
      }),
      /MANAGE/,
    ],
    [
      'delete-experiment-permission 7 alice',
      'DELETE',
      body('2.0/mlflow/experiments/permissions/delete', { experiment_id: '7', username: 'alice' }),
      /alice/,
    ],
  ];

  test.each(LINES)('%s', async (line, method, sent, stdout) => {
    const ran = await against(ANSWERS, line.split(' '));
    expect(ran.asked).toMatchObject([{ method, ...sent }]);
    expect(ran.stdout).toEqual(typeof stdout === 'string' ? stdout : expect.stringMatching(stdout));
    expect(ran.code).toBe(0);
  });

  test.each(LINES)('%s, spelt as Python spells it', async (line, method, sent) => {
    const [name = '', ...rest] = line.split(' ');
    const ran = await against(ANSWERS, [name.replaceAll('-', '_'), ...rest]);
    expect(ran).toMatchObject({ code: 0, asked: [{ method, ...sent }] });
  });
});

describe('the other commands ask for', () => {
  test.each<[line: string, method: string, sent: object, stdout: string | RegExp]>([
    ['whoami to-json', 'GET', query('2.0/mlflow/users/current'), json(ALICE)],
    [
      'get-experiment-permission 7 alice to-json',
      'GET',
      query('2.0/mlflow/experiments/permissions/get?experiment_id=7&username=alice'),
      json(ON_EXPERIMENT),
    ],
    [
      'create-registered-model-permission churn alice READ to-json',
      'POST',
      body('2.0/mlflow/registered-models/permissions/create', {
        name: 'churn',
        username: 'alice',
        permission: 'READ',
      }),
      json(ON_MODEL),
    ],
    [
      'get-registered-model-permission churn alice',
      'GET',
      query('2.0/mlflow/registered-models/permissions/get?name=churn&username=alice'),
      /churn +2 +READ/,
    ],
    [
      'update-registered-model-permission churn alice read',
      'PATCH',
      body('2.0/mlflow/registered-models/permissions/update', {
        name: 'churn',
        username: 'alice',
        permission: 'READ',
      }),
      /READ/,
    ],
    [
      'delete-registered-model-permission churn alice to-json',
      'DELETE',
      body('2.0/mlflow/registered-models/permissions/delete', { name: 'churn', username: 'alice' }),
      '{}\n',
    ],
    [
      'list-permissions --user alice',
      'GET',
      query('3.0/mlflow/users/permissions/list?username=alice'),
      /experiment +7 +EDIT +own grant/,
    ],
    [
      'grant alice registered-model churn edit',
      'POST',
      body('3.0/mlflow/users/permissions/grant', {
        username: 'alice',
        resource_type: 'registered_model',
        resource_id: 'churn',
        permission: 'EDIT',
      }),
      /churn/,
    ],
    [
      'revoke alice scorer 7/q',
      'POST',
      body('3.0/mlflow/users/permissions/revoke', {
        username: 'alice',
        resource_type: 'scorer',
        resource_id: '7/q',
      }),
      /scorer/,
    ],
    [
      'create-service-account bot',
      'POST',
      body('2.0/mlflow/users/create', { username: 'bot', is_service: true }),
      /alice/,
    ],
    [
      'update-user-status alice False',
      'PATCH',
      body('2.0/mlflow/users/update-status', { username: 'alice', is_active: false }),
      /Set active of alice to false/,
    ],
    [
      'list-lockouts',
      'GET',
      query('2.0/mlflow/users/lockouts/list'),
      /NAME +ADDRESS +FAILURES +UNTIL\nalice +anywhere +30 +2026-11-30T00:53:20Z\n/,
    ],
    [
      'clear-lockout --user alice --ip 192.0.2.1',
      'DELETE',
      body('2.0/mlflow/users/lockouts/delete', { username: 'alice', ip: '192.0.2.1' }),
      /Cleared/,
    ],
    [
      'link-user alice keycloak 0c5a',
      'PATCH',
      body('2.0/mlflow/users/link', { username: 'alice', provider: 'keycloak', subject: '0c5a' }),
      /alice signs in by keycloak from now on/,
    ],
    [
      'unlink-user alice keycloak',
      'PATCH',
      body('2.0/mlflow/users/link', { username: 'alice', provider: 'keycloak', subject: null }),
      /alice signs in by keycloak no longer/,
    ],
    ['list-roles to-json', 'GET', query('3.0/mlflow/roles/list'), json(ANALYSTS)],
    [
      'list-roles --workspace w',
      'GET',
      query('3.0/mlflow/roles/list?workspace=w'),
      /analysts +default +experiment\/\*:READ/,
    ],
    [
      'create-role analysts --description d',
      'POST',
      body('3.0/mlflow/roles/create', { name: 'analysts', description: 'd', workspace: 'default' }),
      /analysts/,
    ],
    ['get-role 3 to-json', 'GET', query('3.0/mlflow/roles/get?role_id=3'), json(ANALYSTS)],
    [
      'update-role 3 --name other',
      'PATCH',
      body('3.0/mlflow/roles/update', { role_id: 3, name: 'other' }),
      /analysts/,
    ],
    ['delete-role 3', 'DELETE', body('3.0/mlflow/roles/delete', { role_id: 3 }), /3/],
    [
      'grant-role 3 experiment * READ',
      'POST',
      body('3.0/mlflow/roles/permissions/add', {
        role_id: 3,
        resource_type: 'experiment',
        resource_pattern: '*',
        permission: 'READ',
      }),
      /READ/,
    ],
    [
      'assign-role alice 3',
      'POST',
      body('3.0/mlflow/roles/assign', { username: 'alice', role_id: 3 }),
      /2 +3/,
    ],
    [
      'unassign-role alice 3 to-json',
      'DELETE',
      body('3.0/mlflow/roles/unassign', { username: 'alice', role_id: 3 }),
      '{}\n',
    ],
    [
      'list-user-roles alice to-json',
      'GET',
      query('3.0/mlflow/users/roles/list?username=alice'),
      json(ANALYSTS),
    ],
  ])('%s', async (line, method, sent, stdout) => {
    const ran = await against(ANSWERS, line.split(' '));
    expect(ran.asked).toMatchObject([{ method, ...sent }]);
    expect(ran.stdout).toEqual(typeof stdout === 'string' ? stdout : expect.stringMatching(stdout));
    expect(ran).toMatchObject({ code: 0, stderr: '' });
  });

  test.each(['--must-change-password', '--must_change_password'])('a yes or no by flag: %s', async (flag) => {
    const { asked } = await against(ANSWERS, ['create-user', 'alice', 'a first password', flag, 'True']);
    expect(asked.at(-1)).toMatchObject(
      body('2.0/mlflow/users/create', {
        username: 'alice',
        password: 'a first password',
        must_change_password: true,
      }),
    );
  });

  test('a list of several pages', async () => {
    const pages = {
      'GET /api/2.0/mlflow/users/lockouts/list': ({ target }: { target: string | undefined }) =>
        (target?.includes('page_token=two')
          ? [200, { lockouts: [{ username: 'bob' }] }]
          : [200, { lockouts: [{ username: 'alice' }], next_page_token: 'two' }]) as Answer,
    };
    const { stdout } = await against(pages, ['list-lockouts', '--to-json']);
    expect(stdout).toBe(json({ username: 'alice' }) + json({ username: 'bob' }));
  });

  test('a role by its name', async () => {
    const { code, asked } = await against(ANSWERS, ['assign-role', 'alice', 'analysts']);
    expect(code).toBe(0);
    expect(asked.at(-1)).toMatchObject(body('3.0/mlflow/roles/assign', { username: 'alice', role_id: 3 }));
  });

  test("a role's grant by what it is on", async () => {
    const { code, asked } = await against(ANSWERS, ['revoke-role', 'analysts', 'experiment', '*']);
    expect(code).toBe(0);
    expect(asked.at(-1)).toMatchObject(
      body('3.0/mlflow/roles/permissions/remove', { role_permission_id: 9 }),
    );
  });

  const ADMINS = { ...ANSWERS, ...sees({ is_admin: true }) };

  test('the members of a role', async () => {
    const { asked, stdout } = await against(ADMINS, ['list-role-users', '3', 'to-json']);
    expect(asked.at(-1)).toMatchObject(query('2.0/mlflow/users/list'));
    expect(stdout).toBe(json({ id: 2, username: 'alice', is_admin: false }));
  });

  test.each([
    [['list-permissions', '--experiment', '7']],
    [['list-permissions', '--model', 'churn']],
    [['list-role-users', '3']],
  ])('nothing rather than a part of it: %j of a user who does not see what others hold', async (argv) => {
    const { code, stdout, stderr } = await against(ANSWERS, argv);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toBe(
      'mlflow-auth-client: Permission denied. Only an admin may see what others hold; see list-permissions for your own.\n',
    );
  });

  test('what others hold, of the person who administers the workspace', async () => {
    const administers = { resource_type: 'workspace', resource_pattern: '*', permission: 'MANAGE' };
    const answers = { ...ANSWERS, ...sees({ is_admin: false, permissions: [administers] }) };
    expect((await against(answers, ['list-permissions', '--experiment', '7'])).code).toBe(0);
  });

  test.each(['--experiment 7', '--experiment=7'])(
    'everybody with something on a resource: %s',
    async (flags) => {
      const { stdout } = await against(ADMINS, ['list-permissions', ...flags.split(' ')]);
      expect(stdout.split('\n')).toEqual([
        'NAME   PERMISSION  TYPE        ON  BY',
        'alice  READ        experiment  *   role analysts',
        'alice  EDIT        experiment  7   own grant',
        '',
      ]);
    },
  );

  test('nobody for a model that nobody was given anything on', async () => {
    expect(await against(ADMINS, ['list-permissions', '--model', '7', 'to-json'])).toMatchObject({
      code: 0,
      stdout: '',
    });
  });
});

describe('an empty list says why, beside the result', () => {
  const HEADING = { code: 0, stdout: expect.stringMatching(/^[A-Z_]+(?: +[A-Z_]+)+\n$/) };
  const says = (line: string) => ({ ...HEADING, stderr: `mlflow-auth-client: ${line}\n` });
  const OF_ADMIN = { is_admin: true, permissions: [] };

  test.each<[line: string, more: Parameters<typeof startFake>[0], says: string]>([
    [
      'list-permissions',
      sees(OF_ADMIN),
      'Nothing was granted to you. Admins may do everything all the same.',
    ],
    [
      'list-permissions',
      {},
      'Nothing was granted to you. What the default permission of the server allows is not listed.',
    ],
    [
      'list-permissions --user bob',
      { 'GET /api/3.0/mlflow/users/permissions/list': [200, OF_ADMIN] },
      'Nothing was granted to bob. Admins may do everything all the same.',
    ],
    [
      'list-permissions --experiment 9',
      {
        ...sees(OF_ADMIN),
        'GET /api/2.0/mlflow/users/list': [200, { users: [] }],
      },
      'Nothing was granted on experiment 9. Admins may do everything all the same.',
    ],
    [
      'list-permissions --experiment 9',
      {
        ...sees(OF_ADMIN),
        'GET /api/2.0/mlflow/users/list': [200, { users: [] }],
        'GET /api/2.0/mlflow/experiments/get': NONE,
        'GET /api/2.0/mlflow/experiments/get-by-name': NONE,
      },
      'There is no experiment "9".',
    ],
    [
      'list-permissions --experiment Default',
      {
        ...sees(OF_ADMIN),
        'GET /api/2.0/mlflow/users/list': [200, { users: [] }],
        'GET /api/2.0/mlflow/experiments/get-by-name': [
          200,
          { experiment: { experiment_id: '0', creation_time: '1' } },
        ],
      },
      '"Default" is a name where an id belongs: the experiment of that name has the id 0.',
    ],
    ['list-roles', { 'GET /api/3.0/mlflow/roles/list': [200, { roles: [] }] }, 'There are no roles.'],
    [
      'list-role-users 5',
      { ...sees(OF_ADMIN), 'GET /api/2.0/mlflow/users/list': [200, { users: [] }] },
      'The role has no members.',
    ],
    [
      'list-user-roles alice',
      { 'GET /api/3.0/mlflow/users/roles/list': [200, { roles: [] }] },
      'alice is a member of no role.',
    ],
  ])('%s', async (line, more, why) => {
    expect(await against({ ...ANSWERS, ...more }, line.split(' '))).toMatchObject(says(why));
  });

  test('but not in JSON, where nothing is nothing', async () => {
    expect(await against(ANSWERS, ['list-permissions', '--to-json'])).toMatchObject({
      code: 0,
      stdout: '',
      stderr: '',
    });
  });
});

describe('what a permission is given on', () => {
  const NO_EXPERIMENT = {
    'GET /api/2.0/mlflow/experiments/get': NONE,
    'GET /api/2.0/mlflow/experiments/get-by-name': NONE,
  };
  const DEFAULT_BY_NAME = {
    ...NO_EXPERIMENT,
    'GET /api/2.0/mlflow/experiments/get-by-name': ({ target }: Asked): Answer =>
      target?.endsWith('?experiment_name=Default%20%26%20more') === true
        ? [200, { experiment: { experiment_id: '0', creation_time: '1' } }]
        : NONE,
  };
  const ENDPOINTS = {
    'GET /api/3.0/mlflow/gateway/endpoints/get': NONE,
    'GET /api/3.0/mlflow/gateway/endpoints/list': [
      200,
      { endpoints: [{ endpoint_id: 'e-1', name: 'chat', created_at: 1 }] },
    ] satisfies Answer,
  };
  const NOTHING_GIVEN = { code: 2, stdout: '', asked: [] };

  test.each([
    ['create-experiment-permission', 'NAME', 'alice', 'EDIT'],
    ['grant', 'alice', 'experiment', 'NAME', 'EDIT'],
    ['grant-role', '3', 'experiment', 'NAME', 'EDIT'],
  ])('a name where an experiment’s id belongs gives nothing and names the id: %s', async (...argv) => {
    const typed = argv.map((word) => word.replace(/^NAME$/, 'Default & more'));
    const ran = await against({ ...ANSWERS, ...DEFAULT_BY_NAME }, typed);
    expect(ran).toMatchObject(NOTHING_GIVEN);
    expect(ran.stderr).toBe(
      'mlflow-auth-client: "Default & more" is a name where an id belongs: the experiment of that name has the id 0. Nothing was changed.\n',
    );
  });

  test('so does the name of an AI gateway endpoint', async () => {
    const ran = await against({ ...ANSWERS, ...ENDPOINTS }, [
      'grant',
      'alice',
      'gateway-endpoint',
      'chat',
      'USE',
    ]);
    expect(ran).toMatchObject(NOTHING_GIVEN);
    expect(ran.stderr).toContain('the gateway endpoint of that name has the id e-1.');
  });

  test.each(['Defalt', '01', '７'])('%s is no id that an experiment can have', async (id) => {
    const ran = await against({ ...ANSWERS, ...NO_EXPERIMENT }, [
      'create-experiment-permission',
      id,
      'alice',
      'READ',
    ]);
    expect(ran).toMatchObject(NOTHING_GIVEN);
    expect(ran.stderr).toBe(
      `mlflow-auth-client: No experiment can have the id "${id}". Nothing was changed.\n`,
    );
  });

  test.each<[line: string, more: Parameters<typeof startFake>[0], thing: string]>([
    ['create-experiment-permission 999 alice EDIT', NO_EXPERIMENT, 'experiment "999"'],
    ['grant alice experiment 999 EDIT', NO_EXPERIMENT, 'experiment "999"'],
    ['grant-role 3 experiment 999 EDIT to-json', NO_EXPERIMENT, 'experiment "999"'],
    [
      'create-registered-model-permission chrun alice EDIT',
      { 'GET /api/2.0/mlflow/registered-models/get': NONE },
      'registered model "chrun"',
    ],
    ['grant alice prompt gone EDIT', { 'GET /api/2.0/mlflow/registered-models/get': NONE }, 'prompt "gone"'],
    ['grant alice gateway_endpoint e-2 USE', ENDPOINTS, 'gateway endpoint "e-2"'],
  ])('that is not there is given all the same, with a warning: %s', async (line, more, thing) => {
    const { code, stderr, asked } = await against({ ...ANSWERS, ...more }, line.split(' '));
    expect({ code, calls: asked.length }).toEqual({ code: 0, calls: 1 });
    expect(stderr).toBe(
      `mlflow-auth-client: warning: There is no ${thing}. The permission opens nothing, and is gone once one is created.\n`,
    );
  });

  test.each([
    ['what is there', 'grant alice experiment 7 READ', {}],
    ['all of a kind', 'grant alice experiment * READ', NO_EXPERIMENT],
    ['a kind that cannot be asked for', 'grant alice run * READ', {}],
    [
      'what the caller may not see',
      'grant alice experiment 7 READ',
      { 'GET /api/2.0/mlflow/experiments/get': [403, ''] as Answer },
    ],
    [
      'a kind of an MLflow that does not answer',
      'grant alice scorer 7/q READ',
      { 'GET /api/3.0/mlflow/scorers/versions': [503, ''] as Answer },
    ],
  ])('%s is given without a word', async (_, line, more) => {
    const { code, stderr, asked } = await against({ ...ANSWERS, ...more }, line.split(' '));
    expect({ code, stderr, calls: asked.filter(({ method }) => method === 'POST').length }).toEqual({
      code: 0,
      stderr: '',
      calls: 1,
    });
  });

  test.each([
    ['get-experiment-permission', 'Default & more', 'alice'],
    ['update-experiment-permission', 'Default & more', 'alice', 'READ'],
    ['delete-experiment-permission', 'Default & more', 'alice'],
    ['revoke', 'alice', 'experiment', 'Default & more'],
  ])(
    '%s of a name is asked, as such a permission may be there, and told the id when it is not',
    async (...argv) => {
      const answers = Object.fromEntries(Object.keys(ANSWERS).map((call) => [call, NONE] as const));
      const { code, stderr, asked } = await against({ ...answers, ...DEFAULT_BY_NAME }, argv);
      expect({ code, calls: asked.length }).toEqual({ code: 1, calls: 1 });
      expect(stderr).toBe(
        'mlflow-auth-client: There is none. "Default & more" is a name where an id belongs: the experiment of that name has the id 0.\n',
      );
    },
  );
});

describe('flags as Python Fire took them', () => {
  test.each([
    '--username=alice --is_admin=True',
    '--username alice --is_admin True',
    '--is-admin True alice',
    'alice --is_admin',
    '--is_admin=true alice',
  ])('update-user-admin %s', async (flags) => {
    const { asked } = await against(ANSWERS, ['update-user-admin', ...flags.split(' ')]);
    expect(asked).toMatchObject([{ body: { username: 'alice', is_admin: true } }]);
  });

  test('a bare flag after no is False', async () => {
    const { asked } = await against(ANSWERS, ['update_user_admin', 'alice', '--nois_admin']);
    expect(asked).toMatchObject([{ body: { username: 'alice', is_admin: false } }]);
  });

  test('an experiment id stays text', async () => {
    const { asked } = await against(ANSWERS, [
      'delete-experiment-permission',
      '--experiment_id',
      '1',
      '--username',
      'alice',
    ]);
    expect(asked).toMatchObject([{ body: { experiment_id: '1', username: 'alice' } }]);
  });

  test('a password of digits stays text', async () => {
    const { asked } = await against(ANSWERS, ['create-user', 'alice', '0123456789012']);
    expect(asked).toMatchObject([{ body: { password: '0123456789012' } }]);
  });

  test('to-json after -- is a value like any other', async () => {
    const { asked, stdout } = await against(ANSWERS, ['create-user', 'alice', '--', 'to-json']);
    expect(asked).toMatchObject([{ body: { username: 'alice', password: 'to-json' } }]);
    expect(stdout).toMatch(/^ID/);
  });

  test('a name that starts with a dash goes after --', async () => {
    const { asked } = await against(ANSWERS, ['get-user', '--', '-alice']);
    expect(asked).toMatchObject([query('2.0/mlflow/users/get?username=-alice')]);
  });
});

describe('passwords', () => {
  test('on the command line are taken, with a warning that does not repeat them', async () => {
    const { code, stderr } = await against(ANSWERS, ['create-user', 'alice', 'correct horse']);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^mlflow-auth-client: warning: .*process list.*\n$/);
    expect(stderr).not.toContain('correct horse');
  });

  test.each([
    ['left out', ['create-user', 'alice']],
    ['written -', ['create-user', 'alice', '-']],
    ['left out before to-json', ['create-user', 'alice', 'to-json']],
    ['given as --password -', ['create-user', 'alice', '--password', '-']],
  ])('%s are the first line of what is piped in', async (_, argv) => {
    const { asked, stderr } = await against(ANSWERS, argv, { stdin: 'correct horse\r\nnot this\n' });
    expect(asked).toMatchObject([{ body: { username: 'alice', password: 'correct horse' } }]);
    expect(stderr).toBe('');
  });

  test.each(['', '\n'])('that are not there (%j) end the command before anything is asked', async (stdin) => {
    const { code, asked, stderr } = await against(ANSWERS, ['create-user', 'alice'], { stdin });
    expect({ code, asked }).toEqual({ code: 2, asked: [] });
    expect(stderr).toMatch(/^mlflow-auth-client: No password/);
  });

  const ASKS_FOR_CURRENT = {
    'PATCH /api/2.0/mlflow/users/update-password': ({ body: sent }: { body: unknown }): Answer =>
      typeof sent === 'object' && sent !== null && 'current_password' in sent
        ? [200, {}]
        : [
            400,
            {
              error_code: 'INVALID_PARAMETER_VALUE',
              message: 'Current password is required when changing your own password.',
            },
          ],
  };

  test('of oneself are changed by naming the one signed in with', async () => {
    const { code, asked } = await against(ASKS_FOR_CURRENT, ['update-user-password', 'admin', '-'], {
      stdin: 'new one',
    });
    expect(code).toBe(0);
    expect(asked.map(({ body: sent }) => sent)).toEqual([
      { username: 'admin', password: 'new one' },
      { username: 'admin', password: 'new one', current_password: 'the admin password' },
    ]);
  });

  test('of oneself, signed in by a token, are changed by naming the current one on the second line', async () => {
    const { code, asked } = await against(ASKS_FOR_CURRENT, ['update-user-password', 'admin'], {
      stdin: 'new one\nold one\n',
      env: { MLFLOW_TRACKING_TOKEN: 't' },
    });
    expect(code).toBe(0);
    expect(asked.at(-1)).toMatchObject({ authorization: 'Bearer t', body: { current_password: 'old one' } });
  });

  test('of another user are never changed with the own one', async () => {
    const { code, asked } = await against(ASKS_FOR_CURRENT, ['update-user-password', 'alice', '-'], {
      stdin: 'new one',
    });
    expect({ code, calls: asked.length }).toEqual({ code: 2, calls: 1 });
  });

  test.each([
    [
      'repeated by the server',
      [400, { error_code: 'INVALID_PARAMETER_VALUE', message: "'hunter2hunter2' is too common" }],
    ],
    [
      'in the SQL of MLflow 2.15',
      [
        400,
        {
          error_code: 'RESOURCE_ALREADY_EXISTS',
          message:
            "User (username=alice) already exists. Error: (sqlite3.IntegrityError)\n[parameters: ('hunter2hunter2')]",
        },
      ],
    ],
  ] satisfies [string, Answer][])('are not shown when %s', async (_, answer) => {
    const { code, stderr } = await against({ 'POST /api/2.0/mlflow/users/create': answer }, [
      'create-user',
      'alice',
      'hunter2hunter2',
    ]);
    expect(code).toBe(1);
    expect(stderr).not.toContain('hunter2');
    expect(stderr.split('\n')).toHaveLength(3);
  });

  test('that start with a dash are refused without being shown', async () => {
    const { code, stdout, stderr } = await against(ANSWERS, ['create-user', 'alice', '-hunter2']);
    expect(code).toBe(2);
    expect(stdout + stderr).not.toContain('hunter2');
  });
});

describe('a refusal is one line that says what to do, and exit code 1', () => {
  const refused = (error_code: string, message: string) => ({ error_code, message });
  test.each<[what: string, answer: Answer, argv: readonly string[], line: string]>([
    [
      '404',
      [404, refused('RESOURCE_DOES_NOT_EXIST', 'User with username=zoe not found')],
      ['get-user', 'zoe'],
      'User with username=zoe not found.',
    ],
    [
      '401',
      [401, 'You are not authenticated. Please see https://…'],
      ['get-user', 'zoe'],
      'You are not signed in. Check MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD.',
    ],
    [
      '403 of stock MLflow',
      [403, 'Permission denied'],
      ['get-user', 'zoe'],
      'Permission denied. Sign in as an admin, or as a user with MANAGE on it.',
    ],
    [
      '403 that explains itself',
      [403, refused('PERMISSION_DENIED', 'Permission denied. Only admins may.')],
      ['get-user', 'zoe'],
      'Permission denied. Only admins may.',
    ],
    [
      '404 of a route',
      [404, '<!doctype html>'],
      ['get-user', 'zoe'],
      'The server does not know this call. Is MLFLOW_TRACKING_URI the address of the gateway?',
    ],
    [
      '503',
      [503, refused('TEMPORARILY_UNAVAILABLE', 'The store does not answer.')],
      ['get-user', 'zoe'],
      'The store does not answer. Try again in a moment.',
    ],
    ['500 without words', [500, '<html>'], ['get-user', 'zoe'], 'The server answered with status 500.'],
    [
      'control characters',
      [400, refused('INVALID_PARAMETER_VALUE', 'No \u001b[31mred')],
      ['get-user', 'zoe'],
      'No \\x1b[31mred.',
    ],
    [
      'an answer of something else',
      [200, '<html>'],
      ['get-user', 'zoe'],
      'URI did not answer in JSON; is MLFLOW_TRACKING_URI the address of the gateway?',
    ],
    [
      'another JSON',
      [200, {}],
      ['get-user', 'zoe'],
      'The server did what was asked, but its answer is not the one of an MLflow server.',
    ],
    [
      'a redirect',
      [301, '', { location: 'https://elsewhere/' }],
      ['get-user', 'zoe'],
      'URI answers from another address (https://elsewhere/); set MLFLOW_TRACKING_URI to that one.',
    ],
  ])('%s', async (_, answer, argv, line) => {
    const { code, stdout, stderr, uri } = await against({ 'GET /api/2.0/mlflow/users/get': answer }, argv);
    expect(stderr.replace(uri, 'URI')).toBe(`mlflow-auth-client: ${line}\n`);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  });

  test('what MLflow 2.15 adds about its database is left out', async () => {
    const message =
      "User (username=alice) already exists. Error: (sqlite3.IntegrityError) [('alice', 'scrypt:1$2')]";
    const { stderr } = await against(
      { 'POST /api/2.0/mlflow/users/create': [400, refused('RESOURCE_ALREADY_EXISTS', message)] },
      ['create-user', 'alice'],
      { stdin: 'a password' },
    );
    expect(stderr).toBe('mlflow-auth-client: User (username=alice) already exists.\n');
  });

  test.each([
    ['the password that was piped in', ['create-user', 'alice'], {}, 'piped-secret'],
    ['the password signed in with', ['delete-user', 'alice'], SIGNED_IN, 'the admin password'],
    ['the token signed in with', ['delete-user', 'alice'], { MLFLOW_TRACKING_TOKEN: 'tok-en' }, 'tok-en'],
  ])('%s stays out of it, whatever the server says', async (_, argv, env, secret) => {
    const answer: Answer = [400, refused('BAD_REQUEST', `It was ${secret}`)];
    const answers = {
      'POST /api/2.0/mlflow/users/create': answer,
      'DELETE /api/2.0/mlflow/users/delete': answer,
    };
    const { stderr } = await against(answers, argv, { env, stdin: 'piped-secret' });
    expect(stderr).toBe('mlflow-auth-client: It was ***.\n');
  });

  test('our own words are shown, even if one of them is the password', async () => {
    const env = { MLFLOW_TRACKING_USERNAME: 'admin', MLFLOW_TRACKING_PASSWORD: 'not' };
    const { stderr } = await against({ 'GET /api/2.0/mlflow/users/get': [401, ''] }, ['get-user', 'zoe'], {
      env,
    });
    expect(stderr).toContain('You are not signed in.');
  });

  test('the current password that was piped in stays out of it too', async () => {
    const { stderr } = await against(
      {
        'PATCH /api/2.0/mlflow/users/update-password': ({ body: sent }) =>
          JSON.stringify(sent).includes('old-secret')
            ? [400, refused('INVALID_PARAMETER_VALUE', 'It was old-secret')]
            : [
                400,
                refused(
                  'INVALID_PARAMETER_VALUE',
                  'Current password is required when changing your own password.',
                ),
              ],
      },
      ['update-user-password', 'admin'],
      { env: { MLFLOW_TRACKING_TOKEN: 't0ken' }, stdin: 'new-secret\nold-secret\n' },
    );
    expect(stderr).toBe('mlflow-auth-client: It was ***.\n');
  });

  test('a permission that exists names the command that changes it', async () => {
    const answer: Answer = [400, refused('RESOURCE_ALREADY_EXISTS', 'Experiment permission already exists.')];
    const { stderr } = await against({ 'POST /api/2.0/mlflow/experiments/permissions/create': answer }, [
      'create-experiment-permission',
      '7',
      'alice',
      'EDIT',
    ]);
    expect(stderr).toBe(
      'mlflow-auth-client: Experiment permission already exists. Change it with update-experiment-permission.\n',
    );
  });

  test('a role that is not there', async () => {
    const { code, stderr, asked } = await against(ANSWERS, ['delete-role', 'nobody']);
    expect({ code, stderr, calls: asked.length }).toEqual({
      code: 1,
      stderr: 'mlflow-auth-client: No role is called "nobody"; see list-roles.\n',
      calls: 1,
    });
  });

  test('without credentials, what to set', async () => {
    const { stderr, asked } = await against(
      { 'GET /api/2.0/mlflow/users/get': [401, ''] },
      ['get-user', 'zoe'],
      { env: {} },
    );
    expect(stderr).toBe(
      'mlflow-auth-client: You are not signed in. Type mlflow-auth-client login, or set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD.\n',
    );
    expect(asked[0]?.authorization).toBeUndefined();
  });

  test('nothing listens', async () => {
    const gone = await startFake({});
    await gone.stop();
    const { code, stderr } = await run(['whoami'], { MLFLOW_TRACKING_URI: gone.uri });
    expect({ code, stderr: stderr.replace(gone.uri, 'URI') }).toEqual({
      code: 1,
      stderr:
        'mlflow-auth-client: Cannot reach URI: nothing listens there. Is the gateway running, and is MLFLOW_TRACKING_URI right?\n',
    });
  });

  test('no answer in time', async () => {
    const deaf = createServer(() => {}).listen(0, 'localhost');
    await once(deaf, 'listening');
    const { port } = deaf.address() as AddressInfo;
    const { code, stderr } = await run(
      ['whoami'],
      { MLFLOW_TRACKING_URI: `http://localhost:${port}` },
      { timeoutMs: 100 },
    );
    expect(code).toBe(1);
    expect(stderr).toContain('did not answer within 0.1 seconds');
    deaf.close();
  });
});

describe('what cannot be used as typed is one line, exit code 2, and nothing is asked', () => {
  test.each<[argv: readonly string[], line: string]>([
    [[], 'Name a command; mlflow-auth-client --help lists them.'],
    [['list-userz'], "Unknown command 'list-userz' (Did you mean list-users?); see --help."],
    [['get-user'], 'NAME is missing: mlflow-auth-client get-user NAME'],
    [['get-user', 'to-json'], 'NAME is missing: mlflow-auth-client get-user NAME'],
    [['get-user', 'a', 'b'], 'There is more than the command takes; see its --help.'],
    [
      ['get-user', 'a', '--username', 'b'],
      'There is more than the command takes: mlflow-auth-client get-user NAME',
    ],
    [['update-user-admin', 'alice', 'maybe'], 'is_admin is one of True, False, not "maybe".'],
    [
      ['create-experiment-permission', '7', 'alice', 'USE'],
      'PERMISSION is one of READ, EDIT, MANAGE, NO_PERMISSIONS, not "USE".',
    ],
    [
      ['update-registered-model-permission', 'churn', 'alice', 'WRITE'],
      'PERMISSION is one of READ, EDIT, MANAGE, NO_PERMISSIONS, not "WRITE".',
    ],
    [
      ['grant', 'alice', 'experiment', '7', 'NO_PERMISSIONS'],
      'PERMISSION is one of READ, USE, EDIT, MANAGE, DENY, not "NO_PERMISSIONS".',
    ],
    [
      ['grant-role', '3', 'experiment', '*', 'write'],
      'PERMISSION is one of READ, USE, EDIT, MANAGE, DENY, not "write".',
    ],
    [
      ['list-permissions', '--user', 'a', '--model', 'b'],
      'Give only one of --user, --experiment and --model.',
    ],
    [['list-roles', '--workspace'], "Option '--workspace <NAME>' argument missing; see --help."],
  ])('%j', async (argv, line) => {
    const { code, stdout, stderr, asked } = await against(ANSWERS, argv);
    expect({ code, stdout, stderr, asked }).toEqual({
      code: 2,
      stdout: '',
      stderr: `mlflow-auth-client: ${line}\n`,
      asked: [],
    });
  });

  test('a tracking URI that is missing', async () => {
    const { code, stderr } = await run(['whoami'], {});
    expect(code).toBe(2);
    expect(stderr).toMatch(/MLFLOW_TRACKING_URI/);
  });
});

describe('help', () => {
  test('lists every command', async () => {
    const { code, stdout, stderr } = await run(['--help'], {});
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const { name } of COMMANDS) {
      expect(stdout).toContain(`\n  ${name} `);
    }
    expect(stdout).toContain('Examples:');
  });

  test('of a command shows how it is used', async () => {
    const { code, stdout } = await run(['create-user', '--help'], {});
    expect(code).toBe(0);
    expect(stdout).toContain('Usage: mlflow-auth-client create-user NAME [PASSWORD]');
    expect(stdout).toContain('$ mlflow-auth-client create-user alice - < password.txt');
  });

  test('offers a token in place of name and password, and the commands about tokens', async () => {
    const { stdout } = await run(['--help'], {});
    expect(stdout).toMatch(/MLFLOW_TRACKING_TOKEN +a token/);
    for (const name of ['info', 'create-token', 'list-tokens', 'rotate-token', 'delete-token']) {
      expect(stdout).toContain(`  ${name} `);
    }
  });

  test('gives the version', async () => {
    expect(await run(['--version'], {})).toEqual({ code: 0, stdout: '9.9.9\n', stderr: '' });
  });
});
