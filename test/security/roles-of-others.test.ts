/**
 * A role names things that not everybody may know of: only its members see it with its grants, and administrators. A
 * user who holds a grant of their own has a role in the workspace, as MLflow counts, and sees no other for that.
 */
import { expect, test } from 'vitest';
import { type Person, unique } from '../support/gateway.ts';
import { NO_UPSTREAM, useGateway } from '../support/use-gateway.ts';

const A3 = '/api/3.0/mlflow';

const { gateway } = useGateway({ upstream: NO_UPSTREAM });

async function roleFor(member: Person, type: string, pattern: string, permission: string): Promise<number> {
  const { admin } = gateway;
  const { role } = (await admin.post(`${A3}/roles/create`, { name: unique('r'), workspace: 'default' })).json;
  const sent = { role_id: role.id, resource_type: type, resource_pattern: pattern, permission };
  await admin.post(`${A3}/roles/permissions/add`, sent);
  await admin.post(`${A3}/roles/assign`, { username: member.username, role_id: role.id });
  return role.id;
}

const listedFor = async (who: Person): Promise<readonly number[]> =>
  (await who.get(`${A3}/roles/list?workspace=default`)).json.roles.map(({ id }: { id: number }) => id);

test('a role is seen by its members and by administrators alone', async () => {
  const [alice, bob, chief] = await Promise.all(
    ['alice', 'bob', 'chief'].map((name) => gateway.person(name)),
  );
  if (alice === undefined || bob === undefined || chief === undefined) {
    throw new Error('nobody there');
  }
  const secret = await roleFor(alice, 'registered_model', 'secret-project', 'READ');
  const others = await roleFor(bob, 'experiment', '77', 'READ');
  await roleFor(chief, 'workspace', '*', 'MANAGE');

  expect(await listedFor(alice)).toContain(secret);
  expect(await listedFor(bob)).toEqual([others]);
  for (const path of ['roles/get', 'roles/permissions/list']) {
    const sent = { headers: { 'x-request-id': 'the-same' } };
    const hidden = await bob.get(`${A3}/${path}?role_id=${secret}`, sent);
    expect(hidden.status).toBe(403);
    // Nor is it told from one that is not there.
    expect((await bob.get(`${A3}/${path}?role_id=999999`, sent)).text).toBe(hidden.text);
    expect((await alice.get(`${A3}/${path}?role_id=${secret}`)).status).toBe(200);
    expect((await chief.get(`${A3}/${path}?role_id=${secret}`)).status).toBe(200);
  }
  for (const who of [chief, gateway.admin]) {
    expect(await listedFor(who)).toEqual(expect.arrayContaining([secret, others]));
  }
});
