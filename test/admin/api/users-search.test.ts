/** Users by a part of their name, a page at a time. */
import { beforeAll, describe, expect, test } from 'vitest';
import { useGateway } from '../../support/use-gateway.ts';

const SEARCH = '/api/2.0/mlflow/users/search';

describe('users/search', () => {
  const { gateway, admin, alice, another } = useGateway({ fake: true, people: ['alice'] });
  const names = ['search-ANNE', 'search-bert', 'search-anna', 'search-Zoë'];

  beforeAll(async () => {
    for (const username of names) {
      await gateway.admin.post('/api/2.0/mlflow/users/create', {
        username,
        password: 'a long enough password',
      });
    }
  });

  const found = async (query: string, by = admin) => {
    const { status, json, text } = await by.get(`${SEARCH}?${query}`);
    expect(status, text).toBe(200);
    return json;
  };
  const namesOf = ({ users }: { users: readonly { username: string }[] }) =>
    users.map((each) => each.username);

  test('finds parts of names in whatever case, by name', async () => {
    expect(namesOf(await found('contains=search-an', alice))).toEqual(['search-ANNE', 'search-anna']);
    expect(namesOf(await found(`contains=${encodeURIComponent('ZOË')}`))).toEqual(['search-Zoë']);
    expect(namesOf(await found('contains=nobody-has-this'))).toEqual([]);
  });

  test('answers a page at a time, each name once', async () => {
    const seen: string[] = [];
    let token = '';
    do {
      const page = await found(`contains=search-&max_results=1${token === '' ? '' : `&page_token=${token}`}`);
      seen.push(...namesOf(page));
      token = page.next_page_token ?? '';
    } while (token !== '');
    expect(seen).toEqual(['search-ANNE', 'search-Zoë', 'search-anna', 'search-bert']);
  });

  test('shows nothing that the list of all users does not', async () => {
    const [user] = (await found('contains=search-anna')).users;
    expect(Object.keys(user).toSorted()).toEqual(['id', 'is_active', 'is_admin', 'is_service', 'username']);
  });

  test('refuses what it does not know', async () => {
    expect((await admin.get(`${SEARCH}?name=x`)).status).toBe(400);
    expect((await admin.get(`${SEARCH}?max_results=1001`)).status).toBe(400);
    expect((await admin.get(`${SEARCH}?page_token=x`)).status).toBe(400);
    expect((await gateway.anonymous.get(SEARCH)).status).toBe(401);
  });

  test('where users are listed to admins alone, a user finds those whom the list shows', async () => {
    const other = await another({ list_users_to: 'admins' });
    const [bob, carol] = [await other.person('bob'), await other.person('carol')];
    expect(namesOf((await bob.get(SEARCH)).json)).toEqual([bob.username]);
    const on = { resource_type: 'experiment', resource_id: '5' };
    for (const [{ username }, permission] of [
      [bob, 'MANAGE'],
      [carol, 'READ'],
    ] as const) {
      await other.admin.post('/api/3.0/mlflow/users/permissions/grant', { username, ...on, permission });
    }
    expect(namesOf((await bob.get(SEARCH)).json)).toEqual([bob.username, carol.username]);
    expect(namesOf((await carol.get(SEARCH)).json)).toEqual([carol.username]);
    expect(namesOf((await other.admin.get(SEARCH)).json)).toContain(carol.username);
  });
});
