import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from './bench.ts';
import { startChild, stop } from './children.ts';
import { median } from './compare.ts';
import { memoryMb } from './cpu.ts';
import { startGateway } from './gateway.ts';
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
