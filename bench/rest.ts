import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from './bench.ts';
import { startChild, startLoad, stop } from './children.ts';
import { median } from './compare.ts';
import { cpuNow, cpuSeconds, memoryMb } from './cpu.ts';
import { type GatewayChild, startGateway } from './gateway.ts';
import type { Shot } from './job.ts';
import { OPERATIONS } from './operations.ts';
import { basic, populate } from './population.ts';

const SUBJECT = { experimentId: '1', runIds: ['00000000000000000000000000000abc'] };

export interface Rest {
  /** Milliseconds from the command until `/health` answers: the median of several starts. */
  readonly startMs: number;
  /** Resident memory when nobody has asked anything yet but `/health`, for half a minute. */
  readonly atRestMb: number;
  /** The same after a load, when nobody has asked anything for a minute. */
  readonly afterLoadMb: number;
}

/** V8 gives memory back when a process has done nothing for some ten seconds. */
const REST_MS = { before: 30_000, after: 60_000 };
const REST_REQUESTS = 20_000;

/** The time a start takes, and what the gateway holds when nobody asks anything. */
export async function measureRest({ load, dir, quick }: Bench): Promise<Rest> {
  const database = join(dir, 'rest.db');
  const socketPath = join(dir, 'rest.sock');
  await populate(database, { users: 10, grants: 10, rounds: 4 });
  const start = () =>
    startGateway({ upstreamUri: `unix:${socketPath}`, database, log: join(dir, 'rest.log') });
  const starts: number[] = [];
  for (let round = 0; round < (quick ? 3 : 7); round += 1) {
    const gateway = await start();
    starts.push(gateway.startMs);
    await stop(gateway.process);
  }
  const small = await startChild('bench/processes/small-upstream.ts', [socketPath, '10']);
  const gateway = await start();
  await sleep(REST_MS.before);
  const atRestMb = memoryMb(gateway.pid).now;
  const shots = OPERATIONS['runs/get'](SUBJECT, basic('user-0'));
  await load({
    origin: gateway.said,
    shots,
    count: REST_REQUESTS,
    seconds: 30,
    connections: 16,
    statuses: [200],
  });
  await sleep(REST_MS.after);
  const afterLoadMb = memoryMb(gateway.pid).now;
  for (const { process } of [gateway, small]) {
    await stop(process);
  }
  return { startMs: median(starts), atRestMb, afterLoadMb };
}

/** What signed-in users notice of a user who guesses passwords; milliseconds. */
export interface Flood {
  readonly flood: boolean;
  readonly p50: number;
  readonly p99: number;
  /** CPU of the thread that serves requests, for one request of the signed-in. */
  readonly cpuMicroseconds: number;
  /** Guesses answered with 401, and with 503 because too many waited. */
  readonly guessesPerSecond: number;
}

const FLOOD_CONNECTIONS = 32;

/** The same signed-in load alone and beside a flood of wrong passwords, each for another made-up user. */
export async function measureFlood({ load, dir, quick }: Bench): Promise<Flood[]> {
  const socketPath = join(dir, 'flood.sock');
  const database = join(dir, 'flood.db');
  await populate(database, { users: 10, grants: 10, rounds: 12 });
  const small = await startChild('bench/processes/small-upstream.ts', [socketPath, '10']);
  const gateway = await startGateway({
    upstreamUri: `unix:${socketPath}`,
    database,
    log: join(dir, 'flood.log'),
    rounds: 12,
  });
  const attacker = await startLoad();
  const seconds = quick ? 3 : 8;
  const shots = OPERATIONS['runs/get'](SUBJECT, basic('user-0'));
  // One connection: how long each waits, not how many there are.
  const job = { origin: gateway.said, shots, count: 1_000_000, seconds, connections: 1, statuses: [200] };
  await load({ ...job, seconds: 1 });
  const rows: Flood[] = [];
  for (const flood of [false, true]) {
    const guessing = flood
      ? attacker({
          ...job,
          shots: guesses(),
          seconds: seconds + 1,
          connections: FLOOD_CONNECTIONS,
          statuses: [401, 503],
        })
      : undefined;
    const before = mainThread(gateway);
    const { done, p50, p99 } = await load(job);
    const cpu = cpuSeconds(before, mainThread(gateway));
    const guessed = await guessing;
    rows.push({
      flood,
      p50,
      p99,
      cpuMicroseconds: (cpu / done) * 1e6,
      guessesPerSecond: guessed === undefined ? 0 : guessed.done / guessed.seconds,
    });
  }
  for (const { process } of [gateway, small]) {
    await stop(process);
  }
  return rows;
}

function guesses(): Shot[] {
  return Array.from({ length: 100_000 }, (_, index) => ({
    method: 'GET',
    path: '/api/2.0/mlflow/experiments/get?experiment_id=1',
    headers: basic(`user-${index % 20}`, `guess ${index}`),
  }));
}

/** Passwords are hashed on threads of their own, which are not what the signed-in wait for. */
function mainThread({ pid }: GatewayChild) {
  return new Map([...cpuNow([{ pid }])].filter(([thread]) => thread === `${pid} ${pid}`));
}
