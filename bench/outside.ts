import type { Bench } from './bench.ts';
import { startCaddy } from './caddy.ts';
import { type Child, stop } from './children.ts';
import { lowerQuartile, settled } from './compare.ts';
import { cpuNow, cpuSeconds, type Measured } from './cpu.ts';
import { freePort } from './gateway.ts';
import { isThere, startNginx } from './nginx.ts';
import { OPERATIONS, type OperationName } from './operations.ts';
import { startPopulated } from './populated.ts';
import { basic } from './population.ts';
import { startReadyAnswers } from './ready-answers.ts';
import { startHttpProxy } from './rivals.ts';
import { wrk } from './wrk.ts';

const MEASURED: readonly OperationName[] = ['runs/get', 'runs/log-metric', 'runs/log-batch of 100'];
const RUN = '00000000000000000000000000000abc';
const CONNECTIONS = 16;

interface Effort {
  /** Rounds first that do not count: V8 compiles for some hundred thousand requests, and anew where connections are. */
  readonly warmUp: number;
  readonly rounds: number;
  readonly seconds: number;
}

const QUICK: Effort = { warmUp: 2, rounds: 3, seconds: 1 };
const WHOLE: Effort = { warmUp: 4, rounds: 5, seconds: 3 };

/** What an operation cost with one contestant, as wrk saw it. */
export interface Outside {
  readonly operation: string;
  readonly contestant: string;
  /** CPU of the measured processes for one request: the lower quartile of the rounds. */
  readonly cpuMicroseconds: number;
  /** As a multiple of the first contestant's. */
  readonly cpuRatio: number;
  /** Requests a second, the best of the rounds. */
  readonly perSecond: number;
}

interface Seen {
  readonly name: string;
  readonly origin: string;
  readonly measured: readonly Measured[];
  readonly headers: Readonly<Record<string, string>>;
  readonly cpu: number[];
  readonly perSecond: number[];
}

/** As others would measure it: wrk in front, nginx with ready answers behind, both over TCP. */
export async function measureOutside({ dir, quick, note }: Bench): Promise<Outside[]> {
  if (!(isThere('wrk') && isThere('nginx'))) {
    note('wrk or nginx is not installed: nothing was measured from outside.');
    return [];
  }
  const listen = `127.0.0.1:${await freePort()}`;
  const upstream = `http://${listen}`;
  const end = await startReadyAnswers(dir, listen, RUN);
  const bare = await startHttpProxy(upstream);
  // Each of its own: one that served both would have had twice the requests of the others.
  const start = (name: string) =>
    startPopulated(name, { dir, upstreamUri: upstream, population: { users: 10, grants: 50 } });
  const [forAdmin, forUser] = [await start('outside-admin'), await start('outside-user')];
  const caddy = await startCaddy(dir, upstream);
  const nginx = await startNginx(dir, upstream);
  if (caddy === undefined) {
    note('Caddy is not installed: left out.');
  }
  const seen = (name: string, origin: string, measured: readonly Measured[], headers: object = {}): Seen => ({
    ...{ name, origin, measured, headers: { ...headers }, cpu: [], perSecond: [] },
  });
  const of = (name: string, { said, pid }: Child, headers?: object) => seen(name, said, [{ pid }], headers);
  try {
    const costs: Outside[] = [];
    for (const operation of MEASURED) {
      const contestants = [
        of('bare @fastify/http-proxy', bare),
        of('gateway, admin', forAdmin, basic('admin')),
        of('gateway, user', forUser, basic('user-0')),
        ...(caddy ? [seen('Caddy, authentication alone', caddy.origin, caddy.measured, basic('admin'))] : []),
        ...(nginx ? [seen('nginx, authentication alone', nginx.origin, nginx.measured, basic('admin'))] : []),
      ];
      await measure(operation, contestants, { dir, ...(quick ? QUICK : WHOLE) });
      costs.push(...costsOf(operation, contestants));
    }
    return costs;
  } finally {
    const children = [bare, forAdmin, forUser].map(({ process }) => stop(process));
    await Promise.all([...children, caddy?.stop(), nginx?.stop()]);
    end();
  }
}

async function measure(
  operation: OperationName,
  contestants: readonly Seen[],
  { dir, rounds, seconds, warmUp }: Effort & { readonly dir: string },
): Promise<void> {
  for (let round = -warmUp; round < rounds; round += 1) {
    for (const { origin, measured, headers, cpu, perSecond } of contestants) {
      const [shot] = OPERATIONS[operation]({ experimentId: '1', runIds: [RUN] }, headers);
      if (shot === undefined) {
        throw new Error(`${operation} sends nothing`);
      }
      const before = cpuNow(measured);
      const rate = await wrk({ origin, shot, seconds, connections: CONNECTIONS, dir });
      await settled(operation);
      if (round >= 0) {
        cpu.push((cpuSeconds(before, cpuNow(measured)) / (rate * seconds)) * 1e6);
        perSecond.push(rate);
      }
    }
  }
  console.error(`measured ${operation} from outside`);
}

function costsOf(operation: string, contestants: readonly Seen[]): readonly Outside[] {
  const first = lowerQuartile(contestants[0]?.cpu ?? []);
  return contestants.map(({ name, cpu, perSecond }) => ({
    operation,
    contestant: name,
    cpuMicroseconds: lowerQuartile(cpu),
    cpuRatio: lowerQuartile(cpu) / first,
    perSecond: Math.max(...perSecond),
  }));
}
