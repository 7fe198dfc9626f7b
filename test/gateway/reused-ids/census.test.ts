/** Which experiment has which id, of an MLflow whose experiments the test makes and removes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Census, createCensus } from '../../../src/gateway/reused-ids/census.ts';
import type { Answer, Exchange } from '../../../src/mlflow/upstream/upstream.ts';
import { openStore, type Store } from '../../../src/store/index.ts';
import type { User } from '../../../src/store/types.ts';

let now: number;
let dir: string;
let store: Store;
let alice: User;
/** When each experiment was made, by id. */
let experiments: Map<number, number>;
/** What MLflow was asked. */
let asked: string[];
/** Stands in for MLflow's answer. */
let instead: ((target: string) => Promise<Answer> | Answer) | undefined;
let lost: string[];
let census: Census;

const answer = (status: number, body: unknown): Answer => ({
  status,
  headers: {},
  bytes: Buffer.from(JSON.stringify(body)),
});
const row = ([id, madeAt]: readonly [number, number]) => ({
  experiment_id: String(id),
  creation_time: madeAt,
});

function mlflow(target: string): Answer {
  const { pathname, searchParams } = new URL(target, 'http://x');
  if (pathname.endsWith('/get')) {
    const id = Number(searchParams.get('experiment_id'));
    const madeAt = experiments.get(id);
    return madeAt === undefined ? answer(404, {}) : answer(200, { experiment: row([id, madeAt]) });
  }
  const offset = Number(searchParams.get('page_token') ?? 0);
  const end = offset + Number(searchParams.get('max_results'));
  const rows = [...experiments].toSorted(([one], [other]) => other - one);
  return answer(200, {
    experiments: rows.slice(offset, end).map(row),
    ...(end < rows.length && { next_page_token: String(end) }),
  });
}

const another = () =>
  createCensus({
    store,
    upstream: {
      exchange: async ({ target }: Exchange) => {
        asked.push(target);
        return (instead ?? mlflow)(target);
      },
    },
    clock: () => now,
    log: pino({ level: 'silent' }),
    lost: (id) => lost.push(id),
  });

beforeEach(async () => {
  now = 1_000_000;
  dir = mkdtempSync(join(tmpdir(), 'census-'));
  store = await openStore(`sqlite:///${join(dir, 'store.db')}`, { clock: () => now++ });
  alice = await store.users.create({ username: 'alice', passwordHash: 'x', isAdmin: false });
  experiments = new Map([[0, 10]]);
  asked = [];
  lost = [];
  instead = undefined;
  census = another();
});
afterEach(async () => {
  await store.close();
  rmSync(dir, { recursive: true });
});

const holdersOf = async (id: number) =>
  (await store.grants.forResource('experiment', String(id))).map(({ permission }) => permission);
const grantOn = (id: number) => store.grants.create(alice.id, 'experiment', String(id), 'MANAGE');
const adopt = (id: number) => store.grants.adopt({ kind: 'experiment', id: String(id), userId: alice.id });

describe('a look', () => {
  test('tells of all experiments, however many, and of a known one asks for two rows', async () => {
    for (let id = 1; id <= 2_500; id += 1) {
      experiments.set(id, 100 + id);
    }
    await census.afresh();
    expect([census.madeAt('0'), census.madeAt('1'), census.madeAt('2500')]).toEqual([10, 101, 2_600]);
    expect(await store.experiments.list()).toHaveLength(2_501);
    asked = [];
    await census.afresh();
    expect(asked.map((target) => target.replace(/order_by.*/, ''))).toEqual([
      '/api/2.0/mlflow/experiments/search?max_results=1&view_type=ALL&',
      '/api/2.0/mlflow/experiments/get?experiment_id=0',
    ]);
    // So does another gateway that starts.
    asked = [];
    await another().afresh();
    expect(asked).toHaveLength(2);
  });

  test('finds those that are gone, and those that have their ids', async () => {
    for (const id of [1, 2, 3]) {
      experiments.set(id, 100);
      await grantOn(id);
    }
    await census.afresh();
    experiments.delete(3);
    await census.afresh();
    expect([lost, await holdersOf(2), await holdersOf(3)]).toEqual([['3'], ['MANAGE'], []]);
    expect(census.madeAt('3')).toBeUndefined();
    experiments.delete(2);
    experiments.set(2, 200);
    experiments.set(3, 201);
    experiments.set(4, 202);
    await census.afresh();
    expect([lost, await holdersOf(1), await holdersOf(2)]).toEqual([['3', '2'], ['MANAGE'], []]);
    expect(census.madeAt('2')).toBe(200);
  });

  test('finds the default experiment made anew below all others', async () => {
    experiments.set(1, 100);
    await grantOn(0);
    await census.afresh();
    experiments.set(0, 999);
    await census.afresh();
    expect([lost, await holdersOf(0)]).toEqual([['0'], []]);
  });

  test('leaves creators what they have, whatever their experiment is called in other gateways', async () => {
    const second = another();
    experiments.set(1, 100);
    await adopt(1);
    await Promise.all([census.afresh(), second.afresh()]);
    experiments.set(2, 101);
    await second.afresh();
    // The gateway that has had it made says so when another has seen it already.
    await adopt(2);
    await Promise.all([census.afresh(), second.afresh()]);
    expect([await holdersOf(1), await holdersOf(2)]).toEqual([['MANAGE'], ['MANAGE']]);
    expect((await store.experiments.known()).unsure).toEqual([]);
    experiments.delete(2);
    await census.afresh();
    expect(await holdersOf(2)).toEqual([]);
    experiments.set(2, 300);
    await adopt(2);
    await second.afresh();
    expect(await holdersOf(2)).toEqual(['MANAGE']);
  });

  test('takes nothing from anybody for an answer that was long on its way', async () => {
    experiments.set(1, 100);
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    instead = async (target) => {
      const late = mlflow(target);
      await released;
      return late;
    };
    const looking = another().afresh();
    await expect.poll(() => asked.length).toBeGreaterThan(0);
    experiments.delete(1);
    experiments.set(1, 200);
    await adopt(1);
    release();
    await looking;
    instead = undefined;
    await census.afresh();
    expect(await holdersOf(1)).toEqual(['MANAGE']);
  });

  test('at another MLflow takes nothing for good', async () => {
    experiments.set(1, 100);
    await grantOn(1);
    await census.afresh();
    const own = experiments;
    experiments = new Map([
      [0, 500],
      [1, 501],
    ]);
    await census.afresh();
    expect(await holdersOf(1)).toEqual([]);
    experiments = new Map();
    await census.afresh();
    experiments = own;
    await census.afresh();
    expect(await holdersOf(1)).toEqual(['MANAGE']);
  });

  test('takes nothing where ids are in no order', async () => {
    experiments.set(9, 100).set(10, 101);
    await grantOn(10);
    await census.afresh();
    // The file store of MLflow has them in the order of their digits.
    instead = (target) =>
      target.includes('/search') ? answer(200, { experiments: [row([9, 100])] }) : mlflow(target);
    await census.afresh();
    expect([lost, await holdersOf(10)]).toEqual([[], ['MANAGE']]);
  });
});

describe('an MLflow', () => {
  test('whose ids are made up is not asked for a minute', async () => {
    experiments.set(123_456_789_012_345_680, 100);
    await grantOn(1);
    await census.lately();
    expect(await store.experiments.list()).toEqual([]);
    asked = [];
    now += 59_000;
    expect([census.lately(), asked]).toEqual([undefined, []]);
    now += 2_000;
    census.lately();
    await expect.poll(() => asked.length).toBeGreaterThan(0);
    expect(await holdersOf(1)).toEqual(['MANAGE']);
  });

  test('that keeps files alone says so', async () => {
    instead = () => answer(503, 'disabled due to the mlflow server running in `--artifacts-only` mode');
    expect(census.keepsExperiments()).toBe(true);
    await census.afresh();
    expect(census.keepsExperiments()).toBe(false);
  });

  test('that does not answer is waited for where it matters, and asked again later', async () => {
    await grantOn(1);
    instead = () => answer(500, {});
    await expect(census.afresh()).rejects.toMatchObject({ status: 503 });
    asked = [];
    expect(census.lately()).toBeUndefined();
    expect(asked).toEqual([]);
    now += 10_000;
    await census.lately();
    expect(asked.length).toBeGreaterThan(0);
    expect(await holdersOf(1)).toEqual(['MANAGE']);
  });
});

describe('what was looked at', () => {
  test('lately is not looked at again; a while ago, without anybody waiting; long ago, before anything else', async () => {
    await census.lately();
    asked = [];
    expect(census.lately()).toBeUndefined();
    expect(asked).toEqual([]);
    now += 2_000;
    expect(census.lately()).toBeUndefined();
    await expect.poll(() => asked.length).toBeGreaterThan(0);
    now += 60_000;
    experiments.set(1, 100);
    await census.lately();
    expect(census.madeAt('1')).toBe(100);
  });

  test('before somebody asks for it afresh does not count, however many ask', async () => {
    await census.afresh();
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    instead = async (target) => {
      const told = mlflow(target);
      await held;
      return told;
    };
    const first = census.afresh();
    await expect.poll(() => asked.length).toBeGreaterThan(1);
    experiments.set(1, 100);
    const [second, third] = [census.afresh(), census.afresh()];
    asked = [];
    release();
    await Promise.all([first, second, third]);
    expect(census.madeAt('1')).toBe(100);
    expect(asked.filter((target) => target.includes('max_results=1&'))).toHaveLength(1);
  });
});
