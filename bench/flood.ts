import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { makeSessionSecret } from '../src/identity/session-cookie.ts';
import { hashOf, makeSecret, prefixOf } from '../src/identity/token-secret.ts';
import { openStore } from '../src/store/index.ts';
import type { Bench } from './bench.ts';
import { type Load, startChild, startLoad, stop } from './children.ts';
import { cpuNow, cpuSeconds } from './cpu.ts';
import { type GatewayChild, startGateway } from './gateway.ts';
import type { Job, Shot } from './job.ts';
import { OPERATIONS } from './operations.ts';
import { basic, populate } from './population.ts';

/** What a user notices of others who guess passwords; milliseconds. */
export interface Flood {
  /** Who asks, and by what. */
  readonly who: string;
  readonly flood: boolean;
  readonly p50: number;
  readonly p99: number;
  /** CPU of the thread that serves requests, for one request; undefined where others' requests are in it. */
  readonly cpuMicroseconds: number | undefined;
  readonly requests: number;
}

export interface Floods {
  readonly rows: readonly Flood[];
  /** Guesses answered with 401, with 429 because too many were wrong, or with 503 because too many waited. */
  readonly guessesPerSecond: number;
}

/** How many wrong passwords are on their way at any moment. */
const FLOOD_CONNECTIONS = 300;
const FLOOD_ADDRESSES = 64;
/** Users who sign in for the first time, one after the other. */
const STRANGERS = 8;
const SUBJECT = { experimentId: '1', runIds: ['00000000000000000000000000000abc'] };

/**
 * The same load of users by password, token and session, and of others who sign in for the first time: alone, and beside
 * a flood of wrong passwords from many addresses, each of another made-up user.
 */
export async function measureFlood({ load, dir, quick }: Bench): Promise<Floods> {
  const socketPath = join(dir, 'flood.sock');
  const database = join(dir, 'flood.db');
  await populate(database, { users: 10 + 2 * STRANGERS, grants: 260, rounds: 12 });
  const known = { password: basic('user-0'), ...(await credentialsOf(database, 'user-0')) };
  const small = await startChild('bench/processes/small-upstream.ts', [socketPath, '10']);
  const gateway = await startGateway({
    ...{ upstreamUri: `unix:${socketPath}`, database, log: join(dir, 'flood.log'), rounds: 12 },
    trustedProxies: '127.0.0.1',
  });
  const attacker = await startLoad();
  const seconds = quick ? 3 : 8;
  const job: Omit<Job, 'shots'> = {
    ...{ origin: gateway.said, count: 1_000_000, seconds, statuses: [200] },
    // One connection: how long each waits, not how many there are.
    connections: 1,
  };
  const rows: Flood[] = [];
  let guessesPerSecond = 0;
  for (const headers of Object.values(known)) {
    await load({ ...job, shots: OPERATIONS['runs/get'](SUBJECT, headers), seconds: 2 });
  }
  for (const flood of [false, true]) {
    // As long as all that is measured beside it, with time to begin and for strangers to wait.
    const guessing = flood ? attacker(guessesFor(job, 3 * seconds + 20)) : undefined;
    await new Promise((done) => setTimeout(done, 2_000));
    for (const [by, headers] of Object.entries(known)) {
      rows.push({ who: `signed in, by ${by}`, flood, ...(await measure(load, job, gateway, headers)) });
    }
    rows.push(await strangers(load, job, flood));
    const guessed = await guessing;
    guessesPerSecond = guessed === undefined ? 0 : guessed.done / guessed.seconds;
  }
  for (const { process } of [gateway, small]) {
    await stop(process);
  }
  return { rows, guessesPerSecond };
}

async function measure(
  load: Load,
  job: Omit<Job, 'shots'>,
  gateway: GatewayChild,
  headers: Readonly<Record<string, string>>,
) {
  const before = mainThread(gateway);
  const { done, p50, p99 } = await load({ ...job, shots: OPERATIONS['runs/get'](SUBJECT, headers) });
  const cpu = cpuSeconds(before, mainThread(gateway));
  return { p50, p99, cpuMicroseconds: (cpu / done) * 1e6, requests: done };
}

/** Right passwords that the gateway has not seen before, each from an address of its own. */
async function strangers(load: Load, job: Omit<Job, 'shots'>, flood: boolean): Promise<Flood> {
  const first = 10 + (flood ? STRANGERS : 0);
  const shots = Array.from({ length: STRANGERS }, (_, index) =>
    OPERATIONS['runs/get'](SUBJECT, {
      ...basic(`user-${first + index}`),
      'x-forwarded-for': `192.0.2.${first + index}`,
    }),
  ).flat();
  const { done, p50, p99 } = await load({ ...job, shots, count: STRANGERS, seconds: 60 });
  return { who: "a stranger's first password", flood, p50, p99, cpuMicroseconds: undefined, requests: done };
}

/** A token and a session of a user, as headers. */
async function credentialsOf(database: string, username: string) {
  const store = await openStore(`sqlite:///${database}`, { clock: Date.now });
  const userId = (await store.users.get(username))?.id ?? 0;
  const token = makeSecret(randomBytes);
  const session = makeSessionSecret(randomBytes);
  await store.tokens.create({
    ...{ id: randomUUID(), userId, name: 'bench', hash: hashOf(token), prefix: prefixOf(token) },
    ...{ ceiling: undefined, lifeMs: undefined, createdBy: username },
  });
  await store.sessions.create({
    ...{ id: randomUUID(), userId, hash: hashOf(session), lifeMs: 3_600_000, idleMs: 3_600_000 },
    ...{ ip: '127.0.0.1', userAgent: 'bench' },
  });
  await store.close();
  return { token: { authorization: `Bearer ${token}` }, session: { cookie: `mlflow-gateway=${session}` } };
}

function guessesFor(job: Omit<Job, 'shots'>, seconds: number): Job {
  const shots: Shot[] = Array.from({ length: 200_000 }, (_, index) => ({
    method: 'GET',
    path: '/api/2.0/mlflow/experiments/get?experiment_id=1',
    headers: {
      ...basic(`nobody-${index}`, `guess ${index}`),
      'x-forwarded-for': `10.0.0.${index % FLOOD_ADDRESSES}`,
    },
  }));
  return { ...job, shots, seconds, connections: FLOOD_CONNECTIONS, statuses: [401, 429, 503] };
}

/** Passwords are hashed on threads of their own, which are not what the signed-in wait for. */
function mainThread({ pid }: GatewayChild) {
  return new Map([...cpuNow([{ pid }])].filter(([thread]) => thread === `${pid} ${pid}`));
}
