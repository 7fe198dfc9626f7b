import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createExperiment, grant, type Person, personAt } from '../support/gateway.ts';
import { useGateway } from '../support/use-gateway.ts';

const API = '/api/2.0/mlflow';

describe('a change counts on the very next request, made here or in another process on the same store', () => {
  const dir = mkdtempSync(join(tmpdir(), 'two-gateways-'));
  afterAll(() => rmSync(dir, { recursive: true }));
  const settings = { database_uri: `sqlite:///${join(dir, 'shared.db')}` };
  const { gateway: here, alice } = useGateway({ settings, people: ['alice'] });
  const { gateway: there } = useGateway({ settings });
  let experiment: string;

  beforeAll(async () => {
    experiment = await createExperiment(alice);
  });

  /** The same person at both gateways. */
  const everywhere = (who: Person) => [
    personAt(here.url, who.username, who.password),
    personAt(there.url, who.username, who.password),
  ];
  const statuses = async (who: Person, target: string) => {
    const seen: number[] = [];
    for (const each of everywhere(who)) {
      seen.push((await each.get(target)).status);
    }
    return seen;
  };
  const OWN = `${API}/users/current`;
  const target = () => `${API}/experiments/get?experiment_id=${experiment}`;

  test('a grant, its change and its end', async () => {
    const bob = await here.person('bob');
    expect(await statuses(bob, target())).toEqual([403, 403]);
    await grant(alice, bob, { experiment }, 'READ');
    expect(await statuses(bob, target())).toEqual([200, 200]);
    const which = { experiment_id: experiment, username: bob.username };
    await there.admin.patch(`${API}/experiments/permissions/update`, {
      ...which,
      permission: 'NO_PERMISSIONS',
    });
    expect(await statuses(bob, target())).toEqual([403, 403]);
    await here.admin.patch(`${API}/experiments/permissions/update`, { ...which, permission: 'EDIT' });
    expect(await statuses(bob, target())).toEqual([200, 200]);
    await there.admin.delete(`${API}/experiments/permissions/delete`, which);
    expect(await statuses(bob, target())).toEqual([403, 403]);
  });

  test('a password', async () => {
    const bob = await here.person('bob');
    expect(await statuses(bob, OWN)).toEqual([200, 200]);
    const password = 'changed to another one';
    const [, elsewhere] = everywhere(bob);
    const change = { username: bob.username, password, current_password: bob.password };
    expect((await elsewhere?.patch(`${API}/users/update-password`, change))?.status).toBe(200);
    expect(await statuses(bob, OWN)).toEqual([401, 401]);
    expect(await statuses(here.as(bob.username, password), OWN)).toEqual([200, 200]);
  });

  test('the rights of an admin, given and taken', async () => {
    const bob = await here.person('bob');
    expect(await statuses(bob, `${API}/users`)).toEqual([403, 403]);
    await here.admin.patch(`${API}/users/update-admin`, { username: bob.username, is_admin: true });
    expect(await statuses(bob, `${API}/users`)).toEqual([200, 200]);
    expect(await statuses(bob, target())).toEqual([200, 200]);
    await there.admin.patch(`${API}/users/update-admin`, { username: bob.username, is_admin: false });
    expect(await statuses(bob, `${API}/users`)).toEqual([403, 403]);
    expect(await statuses(bob, target())).toEqual([403, 403]);
  });

  test('a deletion; a user who gets the name afterwards starts with nothing', async () => {
    const bob = await here.person('bob');
    await grant(alice, bob, { experiment }, 'MANAGE');
    expect(await statuses(bob, target())).toEqual([200, 200]);
    await there.admin.delete(`${API}/users/delete`, { username: bob.username });
    expect(await statuses(bob, target())).toEqual([401, 401]);
    const { username, password } = bob;
    expect((await here.admin.post(`${API}/users/create`, { username, password })).status).toBe(200);
    expect(await statuses(bob, OWN)).toEqual([200, 200]);
    expect(await statuses(bob, target())).toEqual([403, 403]);
  });
});
