/** What a change is said to do is what it does; nothing is changed by asking; nobody but an admin asks. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FakeUpstream, startFakeUpstream } from '../support/fake-upstream.ts';
import { grantOn, type Person, startGateway, type TestGateway } from '../support/gateway.ts';

const A2 = '/api/2.0/mlflow';
const A3 = '/api/3.0/mlflow';

let upstream: FakeUpstream;
let gateway: TestGateway;
let alice: Person;
let bob: Person;
let roleId: string;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  gateway = await startGateway(upstream.uri, { default_permission: 'NO_PERMISSIONS' });
  [alice, bob] = [await gateway.person('alice'), await gateway.person('bob')];
  const made = await gateway.admin.post(`${A3}/roles/create`, { name: 'staff', workspace: 'default' });
  roleId = String(made.json.role.id);
  const granted = { role_id: roleId, resource_type: 'experiment', resource_pattern: '*', permission: 'READ' };
  await gateway.admin.post(`${A3}/roles/permissions/add`, granted);
  await gateway.admin.post(`${A3}/roles/assign`, { role_id: roleId, username: alice.username });
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const preview = async (fields: Readonly<Record<string, string>>, by = gateway.admin) =>
  by.get(`${A2}/permissions/preview?${new URLSearchParams(fields)}`);

async function permission(username: string, resource_type: string, resource_id: string): Promise<string> {
  const fields = { username, resource_type, resource_id };
  return (await gateway.admin.get(`${A2}/permissions/explain?${new URLSearchParams(fields)}`)).json
    ?.permission;
}

const on = (resource_id: string) => ({ resource_type: 'experiment', resource_id });

test('a grant and its end, a grant of a role and its end, membership and a role that goes', async () => {
  const { username } = alice;
  const role = { role_id: roleId };
  const onRole = { role_id: roleId, resource_type: 'experiment', resource_pattern: '7', permission: 'DENY' };
  let granted = '';
  const steps: readonly (readonly [
    fields: Record<string, string>,
    doIt: () => Promise<unknown>,
    expected: object[],
  ])[] = [
    [
      { change: 'grant', username, ...on('7'), permission: 'EDIT' },
      () => grantOn(gateway.admin, alice, 'experiment', '7', 'EDIT'),
      [{ before: 'READ', after: 'EDIT' }],
    ],
    [
      { change: 'grant', username: bob.username, ...on('7'), permission: 'USE' },
      () => grantOn(gateway.admin, bob, 'experiment', '7', 'USE'),
      [{ before: 'NO_PERMISSIONS', after: 'USE' }],
    ],
    [
      { change: 'grant_role', ...role, ...on('7'), permission: 'DENY' },
      async () => {
        const { json } = await gateway.admin.post(`${A3}/roles/permissions/add`, onRole);
        granted = json.role_permission.id;
      },
      [{ before: 'EDIT', after: 'NO_PERMISSIONS' }],
    ],
    [
      { change: 'revoke_role', ...role, ...on('7') },
      () => gateway.admin.delete(`${A3}/roles/permissions/remove`, { role_permission_id: granted }),
      [{ before: 'NO_PERMISSIONS', after: 'EDIT' }],
    ],
    [
      { change: 'revoke', username, ...on('7') },
      () => gateway.admin.post(`${A3}/users/permissions/revoke`, { username, ...on('7') }),
      [{ before: 'EDIT', after: 'READ' }],
    ],
    [
      { change: 'unassign_role', username, ...role },
      () => gateway.admin.delete(`${A3}/roles/unassign`, { username, ...role }),
      [{ resource_id: '*', before: 'READ', after: 'NO_PERMISSIONS' }],
    ],
    [
      { change: 'assign_role', username, ...role },
      () => gateway.admin.post(`${A3}/roles/assign`, { username, ...role }),
      [{ resource_id: '*', before: 'NO_PERMISSIONS', after: 'READ' }],
    ],
    [
      { change: 'delete_role', ...role },
      () => gateway.admin.delete(`${A3}/roles/delete`, role),
      [{ resource_id: '*', before: 'READ', after: 'NO_PERMISSIONS' }],
    ],
  ];
  for (const [fields, doIt, expected] of steps) {
    const { json, text } = await preview(fields);
    expect([fields, json?.effects ?? text]).toMatchObject([fields, expected]);
    for (const effect of json.effects) {
      const asked = [effect.username, effect.resource_type, effect.resource_id] as const;
      expect(await permission(...asked)).toBe(effect.before);
    }
    await doIt();
    for (const effect of json.effects) {
      const asked = [effect.username, effect.resource_type, effect.resource_id] as const;
      expect([fields, await permission(...asked)]).toEqual([fields, effect.after]);
    }
  }
});

test('who goes leaves what nobody manages, which another gets in the same transaction', async () => {
  const [leaver, heir, helper] = [
    await gateway.person('leaver'),
    await gateway.person('heir'),
    await gateway.person('helper'),
  ];
  for (const id of ['101', '102', '103']) {
    await grantOn(gateway.admin, leaver, 'experiment', id, 'MANAGE');
  }
  await grantOn(gateway.admin, helper, 'experiment', '102', 'MANAGE');
  await grantOn(gateway.admin, heir, 'experiment', '103', 'READ');
  const left = [on('101'), on('103')];
  const asked = await preview({ change: 'delete_user', username: leaver.username });
  expect(asked.json.left_without_manager).toEqual(left);
  expect(asked.json.effects).toHaveLength(3);

  const { json } = await gateway.admin.delete(`${A2}/users/delete`, {
    username: leaver.username,
    give_to: heir.username,
  });
  expect(json).toEqual({ given: left });
  expect(await permission(heir.username, 'experiment', '101')).toBe('MANAGE');
  expect(await permission(heir.username, 'experiment', '103')).toBe('MANAGE');
  expect(await permission(heir.username, 'experiment', '102')).toBe('NO_PERMISSIONS');
  expect(await gateway.server.store.users.get(leaver.username)).toBeUndefined();

  const last = await gateway.admin.delete(`${A2}/users/delete`, { username: heir.username });
  expect(last.json).toEqual({ left_without_manager: left });
});

test('nobody gets what is left if the user cannot be deleted', async () => {
  await grantOn(gateway.admin, { ...bob, username: 'admin' }, 'experiment', '104', 'MANAGE');
  const refused = await gateway.admin.delete(`${A2}/users/delete`, {
    username: 'admin',
    give_to: bob.username,
  });
  expect(refused.status).toBe(400);
  expect(await permission(bob.username, 'experiment', '104')).toBe('NO_PERMISSIONS');
  const self = await gateway.admin.delete(`${A2}/users/delete`, {
    username: bob.username,
    give_to: bob.username,
  });
  expect(self.status).toBe(400);
  const nobody = await gateway.admin.delete(`${A2}/users/delete`, {
    username: bob.username,
    give_to: 'nobody',
  });
  expect(nobody.status).toBe(404);
  expect(await gateway.server.store.users.get(bob.username)).toBeDefined();
});

test('it is for admins, and what cannot be done is told', async () => {
  expect((await preview({ change: 'delete_user', username: bob.username }, alice)).status).toBe(403);
  for (const [fields, status] of [
    [{ change: 'delete_everything' }, 400],
    [{ change: 'grant', username: bob.username, ...on('7'), permission: 'OWN' }, 400],
    [{ change: 'grant', username: 'nobody', ...on('7'), permission: 'READ' }, 404],
    [{ change: 'delete_role', role_id: '999' }, 404],
  ] as const) {
    expect([fields, (await preview(fields)).status]).toEqual([fields, status]);
  }
});
