/** What users see of two gateways while the PostgreSQL under them is restarted, cut off, slow or changed. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTwoGateways, type TwoGateways } from './two-gateways.ts';

const UNAVAILABLE = { status: 503, code: 'TEMPORARILY_UNAVAILABLE' };

let two: TwoGateways;
beforeAll(async () => {
  two = await startTwoGateways();
});
afterAll(() => two.close());

const STATUS = { READ: 200, NO_PERMISSIONS: 403 } as const;
const turns = (count: number) =>
  Array.from({ length: count }, (_, index) =>
    index % 2 === 0 ? ('READ' as const) : ('NO_PERMISSIONS' as const),
  );

async function seen() {
  const { status, json } = await two.ask();
  return { status, code: json?.error_code };
}

/** Until the other gateway is as it was, by itself. */
async function recovers(permission: keyof typeof STATUS): Promise<void> {
  await expect.poll(async () => (await seen()).status, { timeout: 20_000 }).toBe(STATUS[permission]);
}

/**
 * Until the first gateway has made the change: what the other is about to write when it is parted holds up the rest, a 503
 * each, until the database ends it.
 */
async function changes(permission: keyof typeof STATUS): Promise<void> {
  await expect.poll(() => two.change(permission), { timeout: 20_000 }).toBe(200);
}

test('requests that are under way by the dozen are never behind a change that was answered before them', async () => {
  for (const permission of turns(20)) {
    expect(await two.change(permission)).toBe(200);
    const answers = await Promise.all(Array.from({ length: 12 }, () => two.ask()));
    expect(answers.map(({ status }) => status)).toEqual(Array(12).fill(STATUS[permission]));
  }
});

describe('a gateway that is parted from the database', () => {
  test('says 503 and nothing stale while a right is taken at the other, and knows it when it is back', async () => {
    await changes('READ');
    await recovers('READ');
    two.relay.stall();
    try {
      await changes('NO_PERMISSIONS');
      expect(await seen()).toEqual(UNAVAILABLE);
      expect(await seen()).toEqual(UNAVAILABLE);
    } finally {
      two.relay.resume();
    }
    await recovers('NO_PERMISSIONS');
  });

  test('whose connections are broken off answers right or 503, at every moment', async () => {
    for (const permission of turns(20)) {
      await changes(permission);
      two.relay.cut();
      const { status, code } = await seen();
      expect([
        { status: STATUS[permission], code: STATUS[permission] === 403 ? 'PERMISSION_DENIED' : undefined },
        UNAVAILABLE,
      ]).toContainEqual({ status, code });
    }
    await recovers('NO_PERMISSIONS');
  });
});

test('cut by the database’s administrator, both gateways answer right or 503, and go on', async () => {
  for (const permission of turns(6)) {
    await changes(permission);
    await two.postgresql.cutConnections();
    expect([STATUS[permission], 503]).toContain((await seen()).status);
    await recovers(permission);
  }
});

test('stopped, it is 503 in MLflow’s shape at both; started again, they go on by themselves', async () => {
  await changes('READ');
  await recovers('READ');
  await two.postgresql.stop();
  try {
    expect(await seen()).toEqual(UNAVAILABLE);
    expect(await two.change('NO_PERMISSIONS')).toBe(503);
    const health = await two.there.anonymous.get('/health');
    expect(health.status).toBe(200);
    await expect
      .poll(async () => (await two.there.anonymous.get('/ready')).status, { timeout: 20_000 })
      .toBe(503);
  } finally {
    await two.postgresql.start();
  }
  await recovers('READ');
  await changes('NO_PERMISSIONS');
  expect(await seen()).toEqual({ status: 403, code: 'PERMISSION_DENIED' });
});

test('brought on by a newer version that adds to it, it serves the older gateways that still run', async () => {
  await two.sql(`
    alter table users add column of_a_newer_version text;
    alter table grants add column of_a_newer_version text;
    create table of_a_newer_version (id integer);
    insert into kysely_migration (name, timestamp) values ('9999-newer', '2030-01-01T00:00:00.000Z');
  `);
  for (const permission of turns(10)) {
    await changes(permission);
    expect((await seen()).status).toBe(STATUS[permission]);
  }
  const made = await two.there.admin.post('/api/2.0/mlflow/users/create', {
    username: 'made-meanwhile',
    password: 'a long enough password',
  });
  expect(made.status).toBe(200);
});
