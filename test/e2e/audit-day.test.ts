/** A day's work of five users, read back from the audit log alone: who deleted the run, who gave whom access, from what. */
import { expect, test } from 'vitest';
import { createExperiment, createRun, grant, grantOn, type Person, unique } from '../support/gateway.ts';
import { useGateway } from '../support/use-gateway.ts';

const A2 = '/api/2.0/mlflow';
const A3 = '/api/3.0/mlflow';

const { gateway, admin, ann, ben, cleo, dan, eve } = useGateway({
  people: ['ann', 'ben', 'cleo', 'dan', 'eve'],
});

type Entry = Readonly<Record<string, unknown>> & { readonly change?: { before: unknown; after: unknown } };

async function log(filter: Readonly<Record<string, string>>): Promise<readonly Entry[]> {
  const { json } = await admin.get(
    `${A2}/audit/search?${new URLSearchParams({ ...filter, max_results: '1000' })}`,
  );
  return json.entries;
}

const statusOf = async (answer: Promise<{ readonly status: number }>) => (await answer).status;

test('every question about the day has its answer in the log', async () => {
  // Morning: Ann makes an experiment and a run, and lets Ben work in it.
  const name = unique('churn');
  const experiment = await createExperiment(ann, name);
  const run = await createRun(ann, experiment);
  await grant(ann, ben, { experiment }, 'EDIT');
  await ben.post(`${A2}/runs/log-metric`, { run_id: run, key: 'loss', value: 1, timestamp: 1 });
  // Cleo looks where she may not, and is given a role by the admin.
  expect(await statusOf(cleo.get(`${A2}/experiments/get?experiment_id=${experiment}`))).toBe(403);
  const made = await admin.post(`${A3}/roles/create`, { name: unique('readers'), workspace: 'default' });
  const { id: role_id, name: role } = made.json.role;
  const granted = { role_id, resource_type: 'experiment', resource_pattern: experiment, permission: 'READ' };
  await admin.post(`${A3}/roles/permissions/add`, granted);
  await admin.post(`${A3}/roles/assign`, { role_id, username: cleo.username });
  expect(await statusOf(cleo.get(`${A2}/experiments/get?experiment_id=${experiment}`))).toBe(200);
  // Noon: Dan makes a model, renames it, and gives it to Eve.
  const [first, second] = [unique('model'), unique('model')];
  await dan.post(`${A2}/registered-models/create`, { name: first });
  await dan.post(`${A2}/registered-models/rename`, { name: first, new_name: second });
  await grantOn(dan, eve, 'registered_model', second, 'MANAGE');
  // Evening: somebody guesses at Eve's password, Eve deletes the model, Ben the run, and the admin Dan.
  await gateway.as(eve.username, 'a wrong password').get(`${A2}/experiments/get?experiment_id=${experiment}`);
  await eve.delete(`${A2}/registered-models/delete`, { name: second });
  await ben.send('POST', `${A2}/runs/delete`, {
    json: { run_id: run },
    headers: { 'x-request-id': 'evening-1' },
  });
  await ann.post(`${A2}/runs/delete`, { run_id: run });
  await admin.delete(`${A2}/users/delete`, { username: dan.username });

  await expect.poll(async () => (await log({ username: 'admin', action: 'delete_user' })).length).toBe(1);
  await expect.poll(async () => (await log({ username: ann.username, action: 'delete' })).length).toBe(1);
  const by = ({ username, action, allowed }: Entry) => [username, action, allowed];
  const is = (person: Person) => person.username;

  // Who deleted the run? Ann did, and Ben tried.
  const ofRun = await log({ resource_type: 'run', resource_id: run });
  expect(ofRun.filter(({ action }) => action === 'delete').map(by)).toEqual([
    [is(ann), 'delete', true],
    [is(ben), 'delete', false],
  ]);
  // Why could Ben not, by the id that he was told?
  expect(await log({ request_id: 'evening-1' })).toMatchObject([
    { username: is(ben), credential: { kind: 'password' }, because: expect.stringContaining('needs MANAGE') },
  ]);
  // Who was given access to the experiment, by whom?
  const ofExperiment = await log({ resource_type: 'experiment', resource_id: experiment, action: 'grant' });
  expect(ofExperiment.map(({ username, change }) => [username, change?.after])).toEqual([
    ['admin', { role, resource_type: 'experiment', resource_id: experiment, permission: 'READ' }],
    [
      is(ann),
      { username: is(ben), resource_type: 'experiment', resource_id: experiment, permission: 'EDIT' },
    ],
    [
      is(ann),
      {
        grants: [
          { username: is(ann), resource_type: 'experiment', resource_id: experiment, permission: 'MANAGE' },
        ],
      },
    ],
  ]);
  expect(await log({ resource_type: 'user', resource_id: is(cleo), action: 'assign_role' })).toMatchObject([
    { username: 'admin', change: { before: null, after: { username: is(cleo), role } } },
  ]);
  // What became of the model? Its grants went along with the rename, and ended with it.
  const on = (id: string) => ({ resource_type: 'registered_model', resource_id: id });
  const held = (id: string, ...people: Person[]) => ({
    grants: people.map((person) => ({ username: is(person), ...on(id), permission: 'MANAGE' })),
  });
  const changes = (await log(on(second))).filter(({ change }) => change !== undefined);
  expect(changes.map(({ username, action, change }) => [username, action, change])).toEqual([
    [is(eve), 'revoke', { before: held(second, dan, eve), after: null }],
    [is(dan), 'grant', { before: null, after: { username: is(eve), ...on(second), permission: 'MANAGE' } }],
    [is(dan), 'move_grants', { before: held(first, dan), after: held(second, dan) }],
  ]);
  // Who tried to be Eve, and when did she sign in herself?
  expect((await log({ username: is(eve), action: 'sign_in' })).map(by)).toEqual([
    [is(eve), 'sign_in', true],
    [is(eve), 'sign_in', false],
  ]);
  // Dan is gone, and what he did is not.
  expect((await log({ username: is(dan) })).map(({ action }) => action)).toEqual(
    expect.arrayContaining(['sign_in', 'create', 'manage', 'grant']),
  );
  // Whom was Cleo refused, and nothing of it is a secret.
  expect((await log({ username: is(cleo), allowed: 'false' })).map(({ because }) => because)).toEqual([
    expect.stringContaining(`needs READ on experiment ${experiment}; no grant`),
  ]);
  const all = await admin.get(`${A2}/audit/export`);
  expect(all.text).not.toMatch(/has a long password|a wrong password|\$2[aby]\$/);
});
