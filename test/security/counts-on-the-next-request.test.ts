/**
 * Invariant 4: a change that one gateway has answered counts on the next request in every gateway on its store. Asked
 * for by HTTP, hundreds of times, of the other gateway, as soon as the first has answered.
 */
import { describe, expect, test } from 'vitest';
import { temporaryUri } from '../store/temporary.ts';
import { type Person, personAt, type TestGateway } from '../support/gateway.ts';
import { sharedPostgresql } from '../support/shared-postgresql.ts';
import { openGateway } from '../support/use-gateway.ts';

const API = '/api/2.0/mlflow';
const ON = { experiment_id: '1' };
const TARGET = `${API}/experiments/get?experiment_id=1`;

/** What an admin does about a user, and what the user's next request then comes to. */
const CHANGES: readonly {
  readonly what: string;
  readonly next: number;
  make(admin: Person, username: string): Promise<{ readonly status: number }>;
}[] = [
  {
    what: 'a grant is made',
    next: 200,
    make: (admin, username) =>
      admin.post(`${API}/experiments/permissions/create`, { ...ON, username, permission: 'READ' }),
  },
  {
    what: 'a grant is made less',
    next: 403,
    make: (admin, username) =>
      admin.patch(`${API}/experiments/permissions/update`, { ...ON, username, permission: 'NO_PERMISSIONS' }),
  },
  {
    what: 'a grant is made more',
    next: 200,
    make: (admin, username) =>
      admin.patch(`${API}/experiments/permissions/update`, { ...ON, username, permission: 'EDIT' }),
  },
  {
    what: 'a user is disabled',
    next: 401,
    make: (admin, username) => admin.patch(`${API}/users/update-status`, { username, is_active: false }),
  },
  {
    what: 'a user is enabled',
    next: 200,
    make: (admin, username) => admin.patch(`${API}/users/update-status`, { username, is_active: true }),
  },
  {
    what: 'a grant is taken',
    next: 403,
    make: (admin, username) => admin.delete(`${API}/experiments/permissions/delete`, { ...ON, username }),
  },
];

const PEOPLE = 8;
const ROUNDS = 4;
const OWN = `${API}/users/current`;
const TIMES = 50;
/** Requests that are under way all the time: those that arrive in one turn of the event loop are asked about together. */
const OTHERS = 16;

/** Has somebody ask all the time until the work is done. Answers how often. */
async function whileOthersAsk({ admin }: TestGateway, work: Promise<void>): Promise<number> {
  let isDone = false;
  let answered = 0;
  const goOn = async () => {
    while (!isDone) {
      await admin.get(OWN);
      answered += 1;
    }
  };
  const asking = Array.from({ length: OTHERS }, goOn);
  await work.finally(() => {
    isDone = true;
  });
  await Promise.all(asking);
  return answered;
}

async function twoGateways(databaseUri: string): Promise<readonly [TestGateway, TestGateway]> {
  const settings = { database_uri: databaseUri, default_permission: 'NO_PERMISSIONS' };
  const { gateway, another } = await openGateway({ fake: true, settings });
  return [gateway, await another(settings)];
}

describe.each([
  ['SQLite', async () => temporaryUri()],
  ['PostgreSQL', sharedPostgresql],
])('two gateways on one %s', (_, databaseUri) => {
  test(`${PEOPLE * ROUNDS * CHANGES.length} changes through one, by turns and of many users at once: not one is stale in the other`, async () => {
    const gateways = await twoGateways(await databaseUri());
    const stale: string[] = [];
    let made = 0;

    async function changeAndAsk(person: Person, first: number): Promise<void> {
      for (let round = 0; round < ROUNDS * CHANGES.length; round += 1) {
        const change = CHANGES[round % CHANGES.length];
        const [by, asked] = (first + round) % 2 === 0 ? gateways : gateways.toReversed();
        if (change === undefined || by === undefined || asked === undefined) {
          throw new Error('there is no such change');
        }
        const { status } = await change.make(by.admin, person.username);
        made += status === 200 ? 1 : 0;
        const next = await personAt(asked.url, person.username, person.password).get(TARGET);
        if (next.status !== change.next) {
          stale.push(`${change.what}: ${next.status}`);
        }
      }
    }

    const people = await Promise.all(Array.from({ length: PEOPLE }, () => gateways[0].person()));
    await Promise.all(people.map(changeAndAsk));
    expect(made).toBe(PEOPLE * ROUNDS * CHANGES.length);
    expect(stale).toEqual([]);
  });

  test(`${TIMES} times disabled or enabled by one, a user is out or in at the other, while many others ask it`, async () => {
    const [by, asked] = await twoGateways(await databaseUri());
    const { username, password } = await by.person();
    const alice = personAt(asked.url, username, password);
    const stale: string[] = [];

    async function disableAndAsk(): Promise<void> {
      for (let time = 0; time < TIMES; time += 1) {
        const isActive = time % 2 === 1;
        await by.admin.patch(`${API}/users/update-status`, { username, is_active: isActive });
        const { status } = await alice.get(OWN);
        if (status !== (isActive ? 200 : 401)) {
          stale.push(`${time}: ${status}`);
        }
      }
    }

    expect(await whileOthersAsk(asked, disableAndAsk())).toBeGreaterThan(TIMES);
    expect(stale).toEqual([]);
  });
});
