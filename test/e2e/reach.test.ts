/** What a user is said to reach is what requests of theirs get, whichever way it is found. */
import { beforeAll, describe, expect, test } from 'vitest';
import { createExperiment, grantOn, type Person, unique } from '../support/gateway.ts';
import { MLFLOW_VERSIONS } from '../support/mlflow.ts';
import { useGateway } from '../support/use-gateway.ts';

const A2 = '/api/2.0/mlflow';
const A3 = '/api/3.0/mlflow';

interface Reached {
  readonly resource_type: string;
  readonly resource_id: string;
  readonly name: string;
  readonly permission: string;
  readonly because: string;
  readonly sources: readonly unknown[];
}

describe.each(MLFLOW_VERSIONS)('in front of MLflow %s', (version) => {
  const { gateway, admin, alice, bob, carol } = useGateway({ version, people: ['alice', 'bob', 'carol'] });
  const ids: string[] = [];
  const word = unique('Reach');
  const models = ['a', 'b', 'c'].map((each) => `${word}-${each}`);

  beforeAll(async () => {
    for (let count = 0; count < 4; count += 1) {
      ids.push(await createExperiment(gateway.admin));
    }
    for (const name of models) {
      await gateway.admin.post(`${A2}/registered-models/create`, { name });
    }
  });

  /** What is this test's own: others make and delete things on the same MLflow meanwhile. */
  const isOurs = (id: string): boolean => ids.includes(id) || models.includes(id);

  const reached = async (by: Person, person: Person, kind: string, more = {}): Promise<Reached[]> => {
    const found: Reached[] = [];
    let token: string | undefined;
    do {
      const query = new URLSearchParams({
        username: person.username,
        resource_type: kind,
        ...more,
        ...(token !== undefined && { page_token: token }),
      });
      const { status, text, json } = await by.get(`${A2}/permissions/reach?${query}`);
      expect(status, text).toBe(200);
      found.push(...json.reached);
      token = json.next_page_token;
    } while (token !== undefined);
    return found.filter(({ resource_id: id }) => isOurs(id));
  };
  const byName = (one: Reached, other: Reached) => (one.name < other.name ? -1 : 1);

  /** What `explain` says of all that is ours. */
  const expected = async (person: Person, kind: string): Promise<Reached[]> => {
    const search = kind === 'experiment' ? 'experiments/search' : 'registered-models/search';
    const { json } = await admin.get(`${A2}/${search}?max_results=1000`);
    const all: readonly { experiment_id?: string; name: string }[] =
      json.experiments ?? json.registered_models ?? [];
    const found: Reached[] = [];
    for (const { experiment_id: id, name } of all.filter((each) => isOurs(each.experiment_id ?? each.name))) {
      const asked = { username: person.username, resource_type: kind, resource_id: id ?? name };
      const explained = (await admin.get(`${A2}/permissions/explain?${new URLSearchParams(asked)}`)).json;
      const { actions, ...said } = explained;
      if (actions.length > 0) {
        found.push({ resource_type: kind, resource_id: id ?? name, name, ...said });
      }
    }
    return found.toSorted(byName);
  };

  test('by grants one by one, whatever the size of a page, and what is gone is left out', async () => {
    const [one = '', two = '', three = ''] = ids;
    await grantOn(admin, alice, 'experiment', one, 'MANAGE');
    await grantOn(admin, alice, 'experiment', two, 'READ');
    await grantOn(admin, alice, 'experiment', '123456789', 'READ');
    await grantOn(admin, alice, 'experiment', three, 'DENY');
    await grantOn(admin, alice, 'registered_model', models[1] ?? '', 'EDIT');
    for (const kind of ['experiment', 'registered_model']) {
      const wanted = await expected(alice, kind);
      expect(wanted).toHaveLength(kind === 'experiment' ? 2 : 1);
      expect((await reached(admin, alice, kind)).toSorted(byName)).toEqual(wanted);
      expect((await reached(admin, alice, kind, { max_results: '1' })).toSorted(byName)).toEqual(wanted);
    }
    expect((await reached(admin, alice, 'experiment')).map(({ permission }) => permission)).toEqual([
      'MANAGE',
      'READ',
    ]);
  });

  test('by a role on all of a kind, less what is denied, by name', async () => {
    const { json } = await admin.post(`${A3}/roles/create`, { name: unique('role'), workspace: 'default' });
    const role_id = json.role.id;
    for (const resource_type of ['experiment', 'registered_model']) {
      const grant = { role_id, resource_type, resource_pattern: '*', permission: 'EDIT' };
      await admin.post(`${A3}/roles/permissions/add`, grant);
    }
    await admin.post(`${A3}/roles/assign`, { role_id, username: bob.username });
    await grantOn(admin, bob, 'experiment', ids[0] ?? '', 'DENY');
    await grantOn(admin, bob, 'registered_model', models[0] ?? '', 'MANAGE');
    for (const kind of ['experiment', 'registered_model']) {
      const wanted = await expected(bob, kind);
      expect((await reached(admin, bob, kind)).toSorted(byName)).toEqual(wanted);
      expect(await reached(admin, bob, kind, { max_results: '2' })).toEqual(await reached(admin, bob, kind));
    }
    expect((await reached(admin, bob, 'experiment')).map(({ resource_id: id }) => id)).not.toContain(ids[0]);
    const found = await reached(admin, bob, 'registered_model', {
      contains: word.toLowerCase(),
      max_results: '2',
    });
    expect(found.map(({ name, permission }) => [name, permission])).toEqual([
      [models[0], 'MANAGE'],
      [models[1], 'EDIT'],
      [models[2], 'EDIT'],
    ]);
    expect(await reached(admin, bob, 'registered_model', { contains: `${word}' OR name LIKE '%` })).toEqual(
      [],
    );
  });

  test('an admin reaches everything, who holds nothing or is disabled nothing; only admins ask', async () => {
    expect(
      (await reached(admin, admin, 'registered_model', { contains: word })).map(({ because }) => because),
    ).toEqual(['admin', 'admin', 'admin']);
    expect(await reached(admin, carol, 'experiment')).toEqual([]);
    await admin.send('PATCH', `${A2}/users/update-status`, {
      json: { username: alice.username, is_active: false },
    });
    expect(await reached(admin, alice, 'experiment')).toEqual([]);
    const own = `username=${bob.username}&resource_type=experiment`;
    expect((await bob.get(`${A2}/permissions/reach?${own}`)).status).toBe(403);
    const ask = (more: string) => admin.get(`${A2}/permissions/reach?${own}${more}`);
    expect((await ask('&page_token=bm90aGluZw')).status).toBe(400);
    expect((await ask('&max_results=0')).status).toBe(400);
    expect((await admin.get(`${A2}/permissions/reach?username=nobody&resource_type=experiment`)).status).toBe(
      404,
    );
  });
});
