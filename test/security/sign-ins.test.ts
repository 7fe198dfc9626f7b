/** Sign-ins are listed to whose name it is, and to admins: nobody learns by them of others, nor of names that others tried. */
import { expect, test } from 'vitest';
import { type Person, unique } from '../support/gateway.ts';
import { signInByPage } from '../support/sign-in.ts';
import { useGateway } from '../support/use-gateway.ts';

const API = '/api/2.0/mlflow';
const { gateway, admin, alice, bob, another } = useGateway({ fake: true, people: ['alice', 'bob'] });

interface SignIn {
  readonly at: number;
  readonly ip: string | null;
  readonly credential: string | null;
  readonly outcome: string;
}
const listed = async (by: Person, query = ''): Promise<readonly SignIn[]> => {
  const { status, text, json } = await by.get(`${API}/users/sign-ins/list${query}`);
  expect(status, text).toBe(200);
  return json.sign_ins;
};
const outcomes = async (by: Person, query = '') => (await listed(by, query)).map(({ outcome }) => outcome);
/** Tries a password; answers the status. */
const attempt = async (username: string, password: string, on = gateway) =>
  (await on.as(username, password).get(`${API}/users/current`)).status;

test('one’s own are listed, newest first, with when, from where and by what', async () => {
  await signInByPage(gateway, alice);
  expect(await attempt(alice.username, 'not the password')).toBe(401);
  await expect.poll(() => outcomes(alice)).toEqual(['refused', 'signed_in']);
  const all = await listed(alice);
  expect(all[0]).toEqual({ at: expect.any(Number), ip: '127.0.0.1', credential: null, outcome: 'refused' });
  expect(all.map(({ credential }) => credential)).toContain('password');
  expect(all.map(({ at }) => at)).toEqual(all.map(({ at }) => at).toSorted((one, other) => other - one));
  const first = await alice.get(`${API}/users/sign-ins/list?max_results=1`);
  const rest = await listed(alice, `?page_token=${first.json.next_page_token}`);
  expect([...first.json.sign_ins, ...rest]).toEqual(all);
});

test('those of another are for admins alone, and other spellings of a name are nobody’s', async () => {
  expect((await bob.get(`${API}/users/sign-ins/list?username=${alice.username}`)).status).toBe(403);
  expect((await bob.get(`${API}/users/sign-ins/list?username=nobody`)).status).toBe(403);
  expect((await gateway.anonymous.get(`${API}/users/sign-ins/list`)).status).toBe(401);
  await attempt(bob.username.toUpperCase(), 'a password of somebody');
  await attempt('nobody at all', 'a password of somebody');
  await attempt(bob.username, 'not the password');
  await expect.poll(() => outcomes(bob)).toContain('refused');
  expect((await outcomes(bob)).filter((each) => each === 'refused')).toHaveLength(1);
  expect(await outcomes(admin, `?username=${bob.username}`)).toEqual(await outcomes(bob));
  expect((await admin.get(`${API}/users/sign-ins/list?username=nobody`)).status).toBe(404);
});

test('a filter of the audit log is no parameter of it', async () => {
  for (const more of ['action=grant', 'since=0', `resource_id=${alice.username}`]) {
    expect((await bob.get(`${API}/users/sign-ins/list?${more}`)).status).toBe(400);
  }
});

test('who gets a name that another had is told nothing of the other’s', async () => {
  const first = await gateway.person('carol');
  await first.get(`${API}/users/current`);
  await attempt(first.username, 'not the password');
  await expect.poll(() => outcomes(admin, `?username=${first.username}`)).toContain('refused');
  await admin.delete(`${API}/users/delete`, { username: first.username });
  const password = unique('another long password');
  await admin.post(`${API}/users/create`, { username: first.username, password });
  const next = gateway.as(first.username, password);
  await next.get(`${API}/users/current`);
  await expect.poll(() => outcomes(next)).toEqual(['signed_in']);
});

test('a lockout is told from a wrong password', async () => {
  const strict = await another({ sign_in_failures: '1' });
  const dora = await strict.person('dora');
  await dora.get(`${API}/users/current`);
  expect(await attempt(dora.username, 'not the password', strict)).toBe(401);
  expect(await attempt(dora.username, 'not this one either', strict)).toBe(429);
  await expect.poll(() => outcomes(dora)).toEqual(['locked_out', 'refused', 'signed_in']);
});

test('a token that is confined to some resources lists none', async () => {
  const scope = { resources: [{ resource_type: 'experiment', resource_id: '7' }] };
  const { json } = await alice.post(`${API}/users/tokens/create`, { name: 'confined', scope });
  const token = gateway.as(alice.username, json.secret);
  expect((await token.get(`${API}/users/sign-ins/list`)).status).toBe(403);
});
