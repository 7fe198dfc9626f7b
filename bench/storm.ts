import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent } from 'undici';
import type { Bench } from './bench.ts';
import { startChild, stop } from './children.ts';
import { cpuNow, cpuSeconds } from './cpu.ts';
import { startGateway } from './gateway.ts';
import { OPERATIONS } from './operations.ts';
import { basic, populate } from './population.ts';

/** What became of many who signed in for the first time within a second. */
export interface Storm {
  readonly from: string;
  readonly clients: number;
  /** How many were answered with each status, the first time that they asked. */
  readonly statuses: Readonly<Record<number, number>>;
  /** CPU of all hashes, and of the thread that serves requests, in seconds. */
  readonly hashing: number;
  readonly serving: number;
  /** Milliseconds until the last was answered, and until half were. */
  readonly last: number;
  readonly half: number;
  /** The slowest answer to somebody who was signed in before, in milliseconds, and how many there were. */
  readonly slowestSignedIn: number;
  readonly signedIn: number;
}

/** A sixteenth of what a hash costs with the setting that is the default, so that it does not take minutes. */
const ROUNDS = 8;
const SUBJECT = { experimentId: '1', runIds: ['00000000000000000000000000000abc'] };

/** A thousand users who all sign in within a second after a start, each from an address of its own, and all from one. */
export async function measureStorm({ dir, quick }: Bench): Promise<Storm[]> {
  const clients = quick ? 200 : 1_000;
  const socketPath = join(dir, 'storm.sock');
  const database = join(dir, 'storm.db');
  await populate(database, { users: clients + 1, grants: clients + 1, rounds: ROUNDS });
  const small = await startChild('bench/processes/small-upstream.ts', [socketPath, '10']);
  const storms: Storm[] = [];
  for (const [from, addressOf] of [
    ['an address each', (index: number) => `10.0.${Math.floor(index / 250)}.${(index % 250) + 1}`],
    ['one address', () => '10.0.0.1'],
  ] as const) {
    const gateway = await startGateway({
      ...{ upstreamUri: `unix:${socketPath}`, database, log: join(dir, 'storm.log'), rounds: ROUNDS },
      trustedProxies: '127.0.0.1',
    });
    // A connection each, but for the one who is signed in.
    const once = new Agent({ connections: clients, pipelining: 0, headersTimeout: 600_000 });
    const again = new Agent({ connections: 1 });
    const ask = async (user: number, address: string, agent = once) => {
      const [shot] = OPERATIONS['runs/get'](SUBJECT, {
        ...basic(`user-${user}`),
        'x-forwarded-for': address,
      });
      const began = performance.now();
      const { statusCode, body } = await agent.request({
        ...{ origin: gateway.said, path: shot?.path ?? '', method: 'GET', headers: shot?.headers ?? {} },
      });
      await body.dump();
      return { status: statusCode, ms: performance.now() - began };
    };
    await ask(clients, '192.0.2.1', again);
    const before = cpuNow([gateway]);
    let over = false;
    const signedIn = (async () => {
      const answers: number[] = [];
      while (!over) {
        answers.push((await ask(clients, '192.0.2.1', again)).ms);
        await sleep(5);
      }
      return answers;
    })();
    const answers = await Promise.all(
      Array.from({ length: clients }, async (_, index) => {
        await sleep((index / clients) * 1_000);
        return ask(index, addressOf(index));
      }),
    );
    over = true;
    const waited = await signedIn;
    const after = cpuNow([gateway]);
    const serving = cpuSeconds(before, new Map([...after].filter(([thread]) => isMain(gateway.pid, thread))));
    const times = answers.map(({ ms }) => ms).toSorted((a, b) => a - b);
    storms.push({
      ...{ from, clients, serving, hashing: cpuSeconds(before, after) - serving },
      statuses: Object.fromEntries(
        [...Map.groupBy(answers, ({ status }) => status)].map(([status, those]) => [status, those.length]),
      ),
      ...{ last: times.at(-1) ?? 0, half: times[Math.floor(times.length / 2)] ?? 0 },
      ...{ slowestSignedIn: Math.max(...waited), signedIn: waited.length },
    });
    await Promise.all([once.close(), again.close()]);
    await stop(gateway.process);
  }
  await stop(small.process);
  return storms;
}

const isMain = (pid: number, thread: string): boolean => thread === `${pid} ${pid}`;
