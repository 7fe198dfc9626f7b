import { expect, onTestFinished, test } from 'vitest';
import { startFake } from './fake-server.ts';
import { run } from './run.ts';

const ID = '019acf2c-56e4-7f0a-8a3b-6c2d1e4f5a6b';
const TOKEN = {
  token_id: ID,
  name: 'nightly',
  username: 'alice',
  prefix: 'mlag_4kTz',
  scope: { access: 'read', resources: [{ resource_type: 'experiment', resource_id: '7' }] },
  created_at: 1_796_000_000_000,
  expires_at: 1_796_000_060_000,
  last_used_at: null,
  created_by: 'admin',
};
const SECRET = 'mlag_0Eoh211G4c8wtVWM00my5rsNSFlKgaWqQ4mb8gdEqno11QYbM';
const FOREVER = { ...TOKEN, name: 'forever', scope: null, expires_at: null };

const TOKENS = '/api/2.0/mlflow/users/tokens';
const ANSWERS: Parameters<typeof startFake>[0] = {
  [`POST ${TOKENS}/create`]: [200, { token: TOKEN, secret: SECRET }],
  [`GET ${TOKENS}/list`]: [200, { tokens: [TOKEN, FOREVER] }],
  [`POST ${TOKENS}/rotate`]: [200, { token: TOKEN, secret: SECRET }],
  [`DELETE ${TOKENS}/delete`]: [200, {}],
  'GET /api/2.0/mlflow/users/current': [
    200,
    {
      user: { id: 2, username: 'alice', is_admin: false },
      credential: { kind: 'token', id: ID, scope: TOKEN.scope, expires_at: TOKEN.expires_at },
    },
  ],
  'GET /api/2.0/mlflow/experiments/get-by-name': ({ target = '' }) =>
    target.endsWith('=churn')
      ? [200, { experiment: { experiment_id: '7', name: 'churn', creation_time: 1, last_update_time: 1 } }]
      : [404, { error_code: 'RESOURCE_DOES_NOT_EXIST', message: 'There is none.' }],
  'GET /api/3.0/mlflow/users/current/permissions': [
    200,
    { permissions: [{ resource_type: 'experiment', resource_pattern: '7', permission: 'READ' }] },
  ],
};

async function type(line: string) {
  const server = await startFake(ANSWERS);
  onTestFinished(() => server.stop());
  const env = { MLFLOW_TRACKING_URI: server.uri, MLFLOW_TRACKING_TOKEN: SECRET };
  return { ...(await run(line.split(' '), env)), asked: server.asked };
}

test.each<[line: string, sent: object]>([
  ['create-token nightly', { name: 'nightly' }],
  ['create-token nightly --user bob', { name: 'nightly', username: 'bob' }],
  ['create-token nightly --days 30', { name: 'nightly', expires_in_seconds: 2_592_000 }],
  ['create-token nightly --days 0', { name: 'nightly', expires_in_seconds: 0 }],
  ['create-token nightly --access READ', { name: 'nightly', scope: { access: 'read' } }],
  [
    'create-token nightly --experiment 7,9 --model churn --access read',
    {
      name: 'nightly',
      scope: {
        access: 'read',
        resources: [
          { resource_type: 'experiment', resource_id: '7' },
          { resource_type: 'experiment', resource_id: '9' },
          { resource_type: 'registered_model', resource_id: 'churn' },
        ],
      },
    },
  ],
])('%s asks for %j and shows the secret', async (line, sent) => {
  const { code, stdout, stderr, asked } = await type(line);
  expect({ code, stderr, sent: asked.map(({ body }) => body) }).toEqual({
    code: 0,
    stderr: '',
    sent: [sent],
  });
  expect(asked[0]?.authorization).toBe(`Bearer ${SECRET}`);
  expect(stdout.trim().split(/\s+/).at(-1)).toBe(SECRET);
});

test.each([
  ['churn', '"churn" is a name where an id belongs: the experiment of that name has the id 7.'],
  ['7,chrun', 'No experiment can have the id "chrun".'],
])('no token is made for the experiment %s, which is no id', async (experiment, sentence) => {
  const { code, stdout, stderr, asked } = await type(`create-token nightly --experiment ${experiment}`);
  expect({ code, stdout, stderr }).toEqual({
    code: 2,
    stdout: '',
    stderr: `mlflow-auth-client: ${sentence} Nothing was changed.\n`,
  });
  expect(asked.map(({ method }) => method)).toEqual(['GET']);
});

test('the secret is a field of the JSON', async () => {
  expect(JSON.parse((await type('create-token nightly to-json')).stdout)).toEqual({
    ...TOKEN,
    secret: SECRET,
  });
  expect(JSON.parse((await type(`rotate-token ${ID} to-json`)).stdout)).toEqual({ ...TOKEN, secret: SECRET });
});

test.each([
  ['create-token nightly --days soon', 'DAYS is a whole number, as in --days 30.'],
  ['create-token nightly --access write', 'ACCESS is one of read, not "write".'],
  ['create-token', /^NAME is missing/],
])('%s is not usable as typed', async (line, complaint) => {
  const { code, stderr, asked } = await type(line);
  expect({ code, asked }).toEqual({ code: 2, asked: [] });
  expect(stderr.replace('mlflow-auth-client: ', '').trim()).toEqual(
    complaint instanceof RegExp ? expect.stringMatching(complaint) : complaint,
  );
});

test('a list tells scopes, ends and uses', async () => {
  const { stdout, asked } = await type('list-tokens --user alice');
  expect(asked[0]?.target).toBe(`${TOKENS}/list?username=alice`);
  expect(stdout.split('\n')).toEqual([
    expect.stringMatching(/^TOKEN_ID +NAME +USER +SCOPE +EXPIRES +LAST USED +BEGINS$/),
    expect.stringMatching(/nightly +alice +read experiment\/7 +2026-11-30T00:54:20Z +never +mlag_4kTz$/),
    expect.stringMatching(/forever +alice +all +never +never +mlag_4kTz$/),
    '',
  ]);
});

test('a token is rotated and deleted by its id', async () => {
  expect((await type(`rotate-token ${ID}`)).asked[0]?.body).toEqual({ token_id: ID });
  const { stdout, asked } = await type(`delete-token ${ID}`);
  expect([stdout, asked[0]?.body]).toEqual([`Deleted token ${ID}.\n`, { token_id: ID }]);
});

test('info tells who one is, by what, until when and what one may do', async () => {
  const { stdout } = await type('info');
  expect(stdout).toMatch(
    /^NAME +ADMIN +BY +SCOPE +UNTIL +PERMISSIONS\nalice +no +token +read experiment\/7 +2026-11-30T00:54:20Z +experiment\/7:READ\n$/,
  );
  expect(JSON.parse((await type('info to-json')).stdout)).toMatchObject({
    username: 'alice',
    credential: { kind: 'token', id: ID },
    permissions: 'experiment/7:READ',
  });
});
