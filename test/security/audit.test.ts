/** Who did what can be read back: every refusal, failed sign-in and change is in the audit log, and no secret is. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { openStore } from '../../src/store/index.ts';
import { temporaryUri } from '../store/temporary.ts';
import { unique } from '../support/gateway.ts';
import { openGateway, useGateway } from '../support/use-gateway.ts';

const API = '/api/2.0/mlflow';
const RUN = '0123456789abcdef0123456789abcdef';
const EXPERIMENT = '7';

const { gateway, alice, another } = useGateway({ fake: true, people: ['alice'] });

type Entry = Readonly<Record<string, unknown>>;

async function search(filter: Readonly<Record<string, string>>): Promise<readonly Entry[]> {
  const { status, json, text } = await gateway.admin.get(
    `${API}/audit/search?${new URLSearchParams(filter)}`,
  );
  if (status !== 200) {
    throw new Error(text);
  }
  return json.entries;
}

/** The newest entry, once it is there: at the latest a second after the answer. */
async function newest(filter: Readonly<Record<string, string>>): Promise<Entry> {
  await expect.poll(async () => (await search(filter)).length, { timeout: 3000 }).toBeGreaterThan(0);
  return (await search(filter))[0] ?? {};
}

test('a refusal is in the log with who, what and the full reason', async () => {
  await alice.get(`${API}/experiments/get?experiment_id=${EXPERIMENT}`);
  expect(await newest({ username: alice.username, allowed: 'false' })).toMatchObject({
    username: alice.username,
    credential: { kind: 'password' },
    ip: '127.0.0.1',
    method: 'GET',
    path: `${API}/experiments/get`,
    operation: 'GET 2.0 experiments/get',
    action: 'read',
    resources: [{ resource_type: 'experiment', resource_id: EXPERIMENT }],
    allowed: false,
    enforced: true,
    because: expect.stringContaining('READ'),
    status: 403,
  });
});

test('a failed sign-in is in the log with the name that was tried, and without the password', async () => {
  await gateway.as('mallory', 'a wrong password').get(`${API}/experiments/get?experiment_id=1`);
  const entry = await newest({ action: 'sign_in', allowed: 'false' });
  expect(entry).toMatchObject({ username: 'mallory', allowed: false, status: 401 });
  expect(JSON.stringify(entry)).not.toContain('a wrong password');
});

test('the first request with a password is a sign-in, the next ones are none', async () => {
  const bob = await gateway.person('bob');
  for (const id of ['1', '2', '3']) {
    await bob.get(`${API}/experiments/get?experiment_id=${id}`);
  }
  await Promise.all(['4', '5'].map((id) => bob.get(`${API}/experiments/get?experiment_id=${id}`)));
  await newest({ username: bob.username, resource_id: '5' });
  const entries = await search({ username: bob.username, action: 'sign_in' });
  expect(entries).toHaveLength(1);
  expect(entries[0]).toMatchObject({
    allowed: true,
    credential: { kind: 'password' },
    ip: '127.0.0.1',
    operation: 'GET 2.0 experiments/get',
    because: 'the password is right',
  });
});

test('requests that come at once with a password that is not known yet are one sign-in', async () => {
  const bob = await gateway.person('bob');
  await Promise.all(['1', '2', '3'].map((id) => bob.get(`${API}/experiments/get?experiment_id=${id}`)));
  await expect
    .poll(async () => (await search({ username: bob.username, allowed: 'false' })).length, { timeout: 3000 })
    .toBe(3);
  expect(await search({ username: bob.username, action: 'sign_in' })).toHaveLength(1);
});

test('a refusal tells the id of its request, by which it is found', async () => {
  const { json, headers } = await alice.get(`${API}/experiments/get?experiment_id=77`);
  expect(json.message).toContain(`Request id: ${headers['x-request-id']}.`);
  expect(await newest({ request_id: String(headers['x-request-id']) })).toMatchObject({
    username: alice.username,
    resources: [{ resource_type: 'experiment', resource_id: '77' }],
    because: expect.stringContaining('no grant'),
  });
});

test('the first administrator of an empty store has an entry', async () => {
  expect(await search({ action: 'create_user', resource_id: 'admin' })).toMatchObject([
    { username: null, operation: 'start', change: { before: null, after: { username: 'admin' } } },
  ]);
});

test('a request without credentials is no failed sign-in', async () => {
  const before = (await search({ action: 'sign_in' })).length;
  await gateway.anonymous.get(`${API}/experiments/get?experiment_id=1`);
  await alice.get(`${API}/experiments/get?experiment_id=99`);
  await newest({ resource_type: 'experiment', resource_id: '99' });
  expect(await search({ action: 'sign_in' })).toHaveLength(before);
});

test('an admin’s change of something of MLflow’s is in the log with what it touched', async () => {
  await gateway.admin.post(`${API}/runs/delete`, { run_id: RUN });
  expect(await newest({ resource_type: 'run', resource_id: RUN })).toMatchObject({
    username: 'admin',
    action: 'delete',
    allowed: true,
    because: 'admin',
    status: 200,
  });
});

test('an allowed read is not in the log, unless the setting says so', async () => {
  await gateway.admin.get(`${API}/runs/get?run_id=${RUN.replace('0', 'f')}`);
  const reading = await another({ audit_reads: 'true' });
  await reading.admin.get(`${API}/runs/get?run_id=${RUN}`);
  const found = async () => (await reading.admin.get(`${API}/audit/search?resource_id=${RUN}`)).json.entries;
  await expect.poll(async () => (await found()).length, { timeout: 3000 }).toBe(1);
  expect(await search({ resource_type: 'run', resource_id: RUN.replace('0', 'f') })).toEqual([]);
});

test('a change of grants is in the log with before and after, once', async () => {
  const named = { experiment_id: '12', username: alice.username };
  await gateway.admin.post(`${API}/experiments/permissions/create`, { ...named, permission: 'READ' });
  await gateway.admin.patch(`${API}/experiments/permissions/update`, { ...named, permission: 'EDIT' });
  await gateway.admin.delete(`${API}/experiments/permissions/delete`, named);
  const grant = { username: alice.username, resource_type: 'experiment', resource_id: '12' };
  const entries = await search({ resource_type: 'experiment', resource_id: '12' });
  expect(entries.map(({ action, change }) => [action, change])).toEqual([
    ['revoke', { before: { ...grant, permission: 'EDIT' }, after: null }],
    ['grant', { before: { ...grant, permission: 'READ' }, after: { ...grant, permission: 'EDIT' } }],
    ['grant', { before: null, after: { ...grant, permission: 'READ' } }],
  ]);
});

test('a change that came to nothing is no change', async () => {
  const named = { experiment_id: '13', username: alice.username, permission: 'READ' };
  await gateway.admin.patch(`${API}/experiments/permissions/update`, named);
  await gateway.admin.post(`${API}/runs/delete`, { run_id: RUN });
  await newest({ resource_type: 'run', resource_id: RUN });
  const entries = await search({ resource_type: 'experiment', resource_id: '13' });
  expect(entries.every(({ change }) => change === undefined)).toBe(true);
});

test('users and roles: every change has an entry, and none has a secret', async () => {
  const [username, password] = ['carol', 'carol has a long password'];
  await gateway.admin.post(`${API}/users/create`, { username, password });
  await gateway.admin.patch(`${API}/users/update-password`, { username, password: `${password} now` });
  await gateway.admin.patch(`${API}/users/update-admin`, { username, is_admin: true });
  const role = { name: 'staff', workspace: 'default' };
  const made = await gateway.admin.post('/api/3.0/mlflow/roles/create', role);
  const role_id = made.json.role.id;
  const granted = await gateway.admin.post('/api/3.0/mlflow/roles/permissions/add', {
    role_id,
    resource_type: 'experiment',
    resource_pattern: '*',
    permission: 'READ',
  });
  await gateway.admin.post('/api/3.0/mlflow/roles/assign', { role_id, username });
  await gateway.admin.delete('/api/3.0/mlflow/roles/unassign', { role_id, username });
  const role_permission_id = granted.json.role_permission.id;
  await gateway.admin.delete('/api/3.0/mlflow/roles/permissions/remove', { role_permission_id });
  await gateway.admin.delete('/api/3.0/mlflow/roles/delete', { role_id });
  await gateway.admin.delete(`${API}/users/delete`, { username });

  const entries = (await search({ username: 'admin', max_results: '100' })).filter(
    ({ change }) => change !== undefined && /carol|staff/.test(JSON.stringify(change)),
  );
  expect(entries.map(({ action }) => action).reverse()).toEqual([
    'create_user',
    'change_password',
    'set_admin',
    'create_role',
    'grant',
    'assign_role',
    'unassign_role',
    'revoke',
    'delete_role',
    'delete_user',
  ]);
  expect(JSON.stringify(entries)).not.toMatch(/\$2[aby]\$|has a long password/);
});

test('what a deleted user did stays readable under the name of then', async () => {
  const entries = await search({ resource_type: 'user', resource_id: 'carol' });
  expect(entries.length).toBeGreaterThan(2);
});

test('only an admin reads the log', async () => {
  for (const path of ['audit/search', 'audit/export']) {
    expect((await alice.get(`${API}/${path}`)).status).toBe(403);
    expect((await gateway.anonymous.get(`${API}/${path}`)).status).toBe(401);
  }
});

test('pages go on where the one before ended', async () => {
  const first = await gateway.admin.get(`${API}/audit/search?max_results=3`);
  expect(first.json.entries).toHaveLength(3);
  const token = first.json.next_page_token;
  const second = await gateway.admin.get(`${API}/audit/search?max_results=3&page_token=${token}`);
  const ids = [...first.json.entries, ...second.json.entries].map(({ entry_id }) => entry_id);
  expect(new Set(ids).size).toBe(6);
  expect(ids).toEqual([...ids].sort().reverse());
});

test.each([
  'max_results=0',
  'max_results=1001',
  'max_results=x',
  'page_token=x',
  "page_token='%20or%201",
  'since=-1',
  'since=yesterday',
  'allowed=maybe',
  'nonsense=1',
])('%s is a 400', async (query) => {
  expect((await gateway.admin.get(`${API}/audit/search?${query}`)).status).toBe(400);
});

test('an export is every entry, as lines of JSON or as a table that no spreadsheet takes for formulas', async () => {
  await gateway.as('=cmd|calc', 'a wrong password').get(`${API}/experiments/get?experiment_id=1`);
  await newest({ username: '=cmd|calc' });
  const lines = await gateway.admin.get(`${API}/audit/export`);
  const all = lines.text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(all.length).toBeGreaterThan(10);
  const csv = await gateway.admin.get(`${API}/audit/export?format=csv&action=sign_in`);
  expect(csv.headers['content-type']).toMatch(/^text\/csv/);
  expect(csv.text).toContain(",'=cmd|calc,");
  expect(csv.text.split('\r\n')[0]).toMatch(/^entry_id,time,/);
});

test.each(['=1+1', '+1', '-1', '@SUM(1)', '＝1', '\t=1'])('no cell begins a formula: %j', async (name) => {
  await gateway.as(name, 'a wrong password').get(`${API}/experiments/get?experiment_id=1`);
  await newest({ username: name });
  const csv = await gateway.admin.get(
    `${API}/audit/export?${new URLSearchParams({ format: 'csv', username: name })}`,
  );
  expect(csv.text.split('\r\n')[1]?.split(',')[3]).toMatch(/^'/);
});

/** The cells of the newest exported entry of a filter, as a table of commas has them. */
async function newestCells(filter: Record<string, string>): Promise<readonly string[]> {
  const csv = await gateway.admin.get(
    `${API}/audit/export?${new URLSearchParams({ format: 'csv', ...filter })}`,
  );
  const [, line = ''] = csv.text.split('\r\n');
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, within, plain = '']) =>
    within === undefined ? plain : within.replaceAll('""', '"'),
  );
}

test.each([
  ['a;=1+1', "a;'=1+1"],
  ['a; =1+1', "a; '=1+1"],
  ['a;"=1+1"', `a;"'=1+1"`],
  ['a;;@SUM(1);-1', "a;;'@SUM(1);'-1"],
  ['a\t=1+1', "a\\u0009'=1+1"],
  ['"=1+1"', `"'=1+1"`],
  [' ＝1', " '＝1"],
  ["'=1+1", "''=1+1"],
  ['\\u0009=1', '\\u005cu0009=1'],
  ['\t=1', "'\\u0009'=1"],
  ['a\\b;c-d=e', 'a\\b;c-d=e'],
])('no formula begins where a spreadsheet splits at other characters: %j', async (name, cell) => {
  await gateway.as(name, 'a wrong password').get(`${API}/experiments/get?experiment_id=1`);
  await newest({ username: name });
  expect((await newestCells({ username: name }))[3]).toBe(cell);
});

test('a name looks like no second resource, and what was changed is read back exactly', async () => {
  const name = `a; user bob%3B;=1+1;"-1`;
  const grant = {
    username: alice.username,
    resource_type: 'registered_model',
    resource_id: name,
    permission: 'READ',
  };
  expect((await gateway.admin.post('/api/3.0/mlflow/users/permissions/grant', grant)).status).toBe(200);
  const filter = { action: 'grant', resource_type: 'registered_model', resource_id: name };
  const entry = await newest(filter);
  const cells = await newestCells(filter);
  const resources = cells[10]?.split('; ') ?? [];
  expect(resources).toHaveLength((entry['resources'] as readonly unknown[]).length);
  expect(resources).toContain('registered_model a%3B user bob%253B%3B=1+1%3B"-1');
  expect(cells[17]).not.toMatch(/;=/);
  expect(entry['change']).toMatchObject({ after: JSON.parse(cells[17] ?? '') });
});

test('no name that was tried breaks a line, moves a cursor, or searches for something else', async () => {
  const name = `x\n\r\u001b[2J\u202e"',' or 1=1 --`;
  await gateway.as(name, 'a wrong password').get(`${API}/experiments/get?experiment_id=1`);
  const filter = { username: name, action: 'sign_in' };
  await newest(filter);
  for (const format of ['csv', 'jsonl']) {
    const { text } = await gateway.admin.get(
      `${API}/audit/export?${new URLSearchParams({ format, ...filter })}`,
    );
    expect(text.trim().split('\n')).toHaveLength(format === 'csv' ? 2 : 1);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(text.replaceAll('\r\n', '\n')).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  }
});

test('what was done before an end is in the log after it', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'audit-'));
  const database_uri = `sqlite:///${join(dir, 'gateway.db')}`;
  const ending = await another({ database_uri });
  await ending.admin.post(`${API}/runs/delete`, { run_id: RUN });
  await ending.close();
  const store = await openStore(database_uri, { clock: Date.now });
  expect(await store.audit.search({ resourceId: RUN }, 10)).toHaveLength(1);
  await store.close();
  rmSync(dir, { recursive: true });
});

test('a change that is taken back with its transaction has the entry of a request that came to nothing', async () => {
  const username = unique('newcomer');
  const answer = await gateway.admin.post(`${API}/users/invitations/create`, {
    username,
    role_ids: [99_999],
  });
  expect(answer.status).toBe(404);
  const entry = await newest({ request_id: String(answer.headers['x-request-id']) });
  expect(entry).toMatchObject({
    username: 'admin',
    path: `${API}/users/invitations/create`,
    status: 404,
  });
  expect(entry).not.toHaveProperty('change');
  expect(await search({ resource_type: 'user', resource_id: username })).toEqual([]);
});

test.each([
  ['update-admin', 'is_admin', false],
  ['update-status', 'is_active', true],
])('%s to what is so already tells no change that never was', async (verb, field, value) => {
  const answer = await gateway.admin.send('PATCH', `${API}/users/${verb}`, {
    json: { username: alice.username, [field]: value },
  });
  expect(answer.status).toBe(200);
  expect((await newest({ request_id: String(answer.headers['x-request-id']) }))['change']).toEqual({
    before: { username: alice.username, [field]: value },
    after: { username: alice.username, [field]: value },
  });
});

test('what MLflow had not answered when the gateway ended is in the log', async () => {
  const database_uri = temporaryUri();
  const { promise: asked, resolve: arrived } = Promise.withResolvers<void>();
  const { gateway: ending } = await openGateway({
    fake: (request, response) => {
      if (request.url?.includes('experiments/create') === true) {
        arrived();
      } else {
        response.end('{}');
      }
    },
    settings: { drain_seconds: '0', database_uri },
  });
  const sent = ending.admin.post(`${API}/experiments/create`, { name: 'slow' }).catch(() => undefined);
  await asked;
  await ending.close();
  await sent;
  const store = await openStore(database_uri, { clock: Date.now });
  const entries = await store.audit.search({ action: 'create' }, 10);
  await store.close();
  expect(entries).toMatchObject([{ username: 'admin', path: `${API}/experiments/create` }]);
});

test('with audit_stdout every entry is a line of standard output too: a refusal and a change alike', async () => {
  const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const shown = await another({ audit_stdout: 'true' });
  const entries = () =>
    written.mock.calls
      .map(([text]) => String(text))
      .filter((text) => text.startsWith('{"entry_id"'))
      .map((text): Entry => JSON.parse(text));
  try {
    const bob = await shown.person('bob');
    await bob.get(`${API}/experiments/get?experiment_id=${EXPERIMENT}`);
    await expect.poll(() => entries().map(({ action }) => action)).toContain('read');
    // What the gateway does by itself.
    expect(entries()).toContainEqual(expect.objectContaining({ operation: 'start', action: 'create_user' }));
    // One request, two changes.
    const invited = await shown.admin.post(`${API}/users/invitations/create`, { username: unique('carol') });
    await expect
      .poll(() =>
        entries()
          .filter(({ request_id: id }) => id === invited.headers['x-request-id'])
          .map(({ action }) => action),
      )
      .toEqual(['create_user', 'invite_user']);
    expect(entries()).toContainEqual(
      expect.objectContaining({
        action: 'create_user',
        change: { before: null, after: expect.objectContaining({ username: bob.username }) },
      }),
    );
    expect(entries()).toContainEqual(expect.objectContaining({ username: bob.username, allowed: false }));
  } finally {
    written.mockRestore();
  }
});
