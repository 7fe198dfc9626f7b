/** Whoever manages a thing shares it with roles that they have: with no other, by no more, and without learning of others. */
import { beforeAll, expect, test } from 'vitest';
import { grantOn, type Person, unique } from '../support/gateway.ts';
import { useGateway } from '../support/use-gateway.ts';

const A2 = '/api/2.0/mlflow';
const A3 = '/api/3.0/mlflow';
const { gateway, admin, alice, bob } = useGateway({ fake: true, people: ['alice', 'bob'] });

let mine: number;
let foreign: number;
let elsewhere: number;
beforeAll(async () => {
  const make = async (workspace = 'default'): Promise<number> =>
    (await gateway.admin.post(`${A3}/roles/create`, { name: unique('role'), workspace })).json.role.id;
  [mine, foreign, elsewhere] = [await make(), await make(), await make('team-a')];
  await gateway.admin.post(`${A3}/roles/assign`, { role_id: mine, username: alice.username });
  await gateway.admin.post(`${A3}/roles/assign`, { role_id: elsewhere, username: alice.username });
  await gateway.admin.post(`${A3}/roles/assign`, { role_id: mine, username: bob.username });
  await grantOn(gateway.admin, alice, 'experiment', '7', 'MANAGE');
});

const share = (by: Person, role_id: unknown, more = {}) =>
  by.post(`${A2}/permissions/grant-role`, {
    role_id,
    resource_type: 'experiment',
    resource_id: '7',
    permission: 'READ',
    ...more,
  });
const take = (by: Person, role_id: unknown, resource_id = '7') =>
  by.post(`${A2}/permissions/revoke-role`, { role_id, resource_type: 'experiment', resource_id });
const mayRead = async (by: Person) => (await by.get(`${A2}/experiments/get?experiment_id=7`)).status === 200;

test('a role of one’s own is given what one manages, it is changed, and it is taken back', async () => {
  expect(await mayRead(bob)).toBe(false);
  expect((await share(alice, mine)).status).toBe(200);
  expect(await mayRead(bob)).toBe(true);
  expect((await share(alice, mine, { permission: 'EDIT' })).status).toBe(200);
  const tag = { experiment_id: '7', key: 'k', value: 'v' };
  expect((await bob.post(`${A2}/experiments/set-experiment-tag`, tag)).status).toBe(200);
  const { json } = await admin.get(`${A3}/roles/permissions/list?role_id=${mine}`);
  expect(json.role_permissions).toMatchObject([
    { resource_type: 'experiment', resource_pattern: '7', permission: 'EDIT' },
  ]);
  expect((await take(alice, mine)).status).toBe(200);
  expect(await mayRead(bob)).toBe(false);
  expect((await take(alice, mine)).status).toBe(404);
});

test('a role of others, one of another workspace, and none are refused alike', async () => {
  const refusals = await Promise.all(
    [foreign, elsewhere, 123_456, -1].flatMap((id) => [share(alice, id), take(alice, id)]),
  );
  const told = refusals.map(({ status, text }) => `${status} ${text.replace(/Request id.*/i, '')}`);
  expect(refusals.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 403));
  expect(new Set(told.map((each) => each.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'ID'))).size).toBe(1);
});

test.each([
  ['a thing that one does not manage', { resource_id: '8' }, 403],
  ['everything of a kind', { resource_id: '*' }, 403],
  ['the workspace', { resource_type: 'workspace', resource_id: '*' }, 400],
  ['all runs', { resource_type: 'run', resource_id: '*' }, 403],
  ['a refusal', { permission: 'DENY' }, 400],
  ['a refusal by its classic name', { permission: 'NO_PERMISSIONS' }, 400],
])('%s is not given', async (_, more, status) => {
  expect((await share(alice, mine, more)).status).toBe(status);
  expect((await admin.get(`${A3}/roles/permissions/list?role_id=${mine}`)).json.role_permissions).toEqual([]);
});

test('a member who does not manage the thing gives and takes nothing', async () => {
  expect((await share(bob, mine)).status).toBe(403);
  expect((await share(alice, mine)).status).toBe(200);
  expect((await take(bob, mine)).status).toBe(403);
  expect((await take(alice, mine)).status).toBe(200);
});

test('what a role is denied stays denied', async () => {
  const denied = { role_id: mine, resource_type: 'experiment', resource_pattern: '7', permission: 'DENY' };
  const { json } = await admin.post(`${A3}/roles/permissions/add`, denied);
  const other = await gateway.person('carol');
  await admin.post(`${A3}/roles/assign`, { role_id: mine, username: other.username });
  // Who is denied a thing manages it no longer: an admin who has the role is asked in their place.
  await admin.post(`${A3}/roles/assign`, { role_id: mine, username: 'admin' });
  expect((await share(admin, mine)).json.message).toContain('Only an admin may change that');
  expect((await take(admin, mine)).status).toBe(403);
  expect(await mayRead(other)).toBe(false);
  await admin.delete(`${A3}/roles/permissions/remove`, {
    role_permission_id: json.role_permission.id,
  });
});

test('a token that is for reading, or confined to something else, shares nothing', async () => {
  for (const scope of [
    { access: 'read' },
    { resources: [{ resource_type: 'experiment', resource_id: '8' }] },
  ]) {
    const { json } = await alice.post(`${A2}/users/tokens/create`, { name: unique('token'), scope });
    expect((await share(gateway.as(alice.username, json.secret), mine)).status).toBe(403);
  }
});

test('each change is in the audit log', async () => {
  await share(alice, mine);
  await take(alice, mine);
  const { json } = await admin.get(
    `${A2}/audit/search?username=${alice.username}&resource_type=experiment&resource_id=7`,
  );
  expect(json.entries.slice(0, 2).map(({ action }: { action: string }) => action)).toEqual([
    'revoke',
    'grant',
  ]);
});
