import { expect, onTestFinished, test } from 'vitest';
import { startFake } from './fake-server.ts';
import { run } from './run.ts';

const ID = '019acf2c-56e4-7f0a-8a3b-6c2d1e4f5a6b';
const INVITATION = {
  invitation_id: ID,
  username: 'carol',
  kind: 'invitation',
  created_at: 1_796_000_000_000,
  expires_at: 1_796_000_060_000,
  created_by: 'admin',
};
const LINK = 'https://mlflow.example.com/auth/invitation#mlai_x';
const PATH = '/api/2.0/mlflow/users/invitations';

async function type(line: string, invitations: readonly object[] = [INVITATION]) {
  const made = [200, { invitation: INVITATION, link: LINK }] as const;
  const server = await startFake({
    'GET /api/3.0/mlflow/roles/list': [200, { roles: [{ id: 3, name: 'analysts' }] }],
    [`POST ${PATH}/create`]: made,
    [`POST ${PATH}/reset-password`]: made,
    [`GET ${PATH}/list`]: [200, { invitations }],
    [`DELETE ${PATH}/delete`]: [200, {}],
  });
  onTestFinished(() => server.stop());
  const env = {
    MLFLOW_TRACKING_URI: server.uri,
    ...{ MLFLOW_TRACKING_USERNAME: 'admin', MLFLOW_TRACKING_PASSWORD: 'a password' },
  };
  return { ...(await run(line.split(' '), env)), asked: server.asked };
}

test.each([
  ['invite carol', 'create', { username: 'carol' }],
  [
    'invite carol --is-admin --hours 24',
    'create',
    { username: 'carol', is_admin: true, expires_in_seconds: 86_400 },
  ],
  ['invite carol --role analysts,5', 'create', { username: 'carol', role_ids: [3, 5] }],
  ['reset-password carol', 'reset-password', { username: 'carol' }],
  ['reset-password carol --hours 1', 'reset-password', { username: 'carol', expires_in_seconds: 3_600 }],
])('%s', async (line, path, body) => {
  const { code, stdout, asked } = await type(line);
  expect([code, asked.at(-1)]).toMatchObject([0, { method: 'POST', target: `${PATH}/${path}`, body }]);
  expect(stdout.trimEnd().endsWith(LINK)).toBe(true);
});

test('a script gets the link as JSON', async () => {
  expect(JSON.parse((await type('invite carol to-json')).stdout)).toEqual({ ...INVITATION, link: LINK });
});

test('what can be no life of a link, and no role, is told before anything is made', async () => {
  for (const [line, code, says] of [
    ['invite carol --hours soon', 2, 'HOURS is a whole number'],
    ['invite carol --role nobodys', 1, 'No role is called'],
  ] as const) {
    const { asked, ...ended } = await type(line);
    expect([ended.code, ended.stderr]).toEqual([code, expect.stringContaining(says)]);
    expect(asked.filter(({ method }) => method === 'POST')).toEqual([]);
  }
});

test('open links are listed, and an empty list says why', async () => {
  const { stdout, asked } = await type('list-invitations --user carol');
  expect(stdout).toMatch(/carol\s+invitation\s+2026-11-\d\dT\S+Z\s+2026-11-\d\dT\S+Z\s+admin/);
  expect(asked.map(({ target }) => target)).toEqual([`${PATH}/list?username=carol`]);
  expect((await type('list-invitations', [])).stderr).toContain('No link is open.');
});

test('a link is revoked by its id', async () => {
  const { stdout, asked } = await type(`revoke-invitation ${ID}`);
  expect(stdout).toContain(`Revoked invitation ${ID}.`);
  expect(asked.map(({ method, body }) => [method, body])).toEqual([['DELETE', { invitation_id: ID }]]);
});
