import { join } from 'node:path';
import { bearer } from './bearer.ts';
import type { Bench } from './bench.ts';
import { startCaddy } from './caddy.ts';
import { type Child, stop } from './children.ts';
import { freePort, startGateway } from './gateway.ts';
import { isThere, type Rival, startNginx } from './nginx.ts';
import type { OperationName } from './operations.ts';
import { startPopulated } from './populated.ts';
import { basic } from './population.ts';
import { startPostgresql } from './postgresql.ts';
import { readyShot, requestsOf, startReadyAnswers } from './ready-answers.ts';
import { startHttpProxy } from './rivals.ts';
import { type Entrant, type Runner, type Spent, spentBy } from './turns.ts';

const MEASURED: readonly OperationName[] = [
  'runs/get',
  'runs/log-metric',
  'runs/log-batch of 100',
  'runs/log-batch of 1000',
];
const CONNECTIONS = 16;

const QUICK = { processes: 1, rounds: 2, warmUp: 2 };
const WHOLE = { processes: 2, rounds: 10, warmUp: 15 };

/** What an operation cost with one contestant, as wrk saw it. */
export interface Outside extends Spent {
  readonly operation: string;
}

/** As others would measure it: wrk in front, nginx with ready answers behind, both over TCP. */
export async function measureOutside(bench: Bench): Promise<Outside[]> {
  const { dir, quick, note } = bench;
  if (!(isThere('wrk') && isThere('nginx'))) {
    note('wrk or nginx is not installed: nothing was measured from outside.');
    return [];
  }
  const listen = `127.0.0.1:${await freePort()}`;
  const upstream = `http://${listen}`;
  const end = await startReadyAnswers(dir, listen);
  const { processes, ...effort } = quick ? QUICK : WHOLE;
  const { entrants, stopAll } = await startEntrants(bench, upstream, processes);
  try {
    const costs: Outside[] = [];
    for (const operation of MEASURED) {
      const spent = await spentBy(entrants, {
        ...{ ...effort, dir, connections: CONNECTIONS },
        shot: (headers) => readyShot(operation, headers),
        counted: () => requestsOf(upstream),
      });
      console.error(`measured ${operation} from outside`);
      costs.push(...spent.map((each) => ({ ...each, operation })));
    }
    return costs;
  } finally {
    await stopAll();
    end();
  }
}

/** Each process has requests of one kind alone: one that served two would be compiled the better for it. */
async function startEntrants({ dir, note }: Bench, upstream: string, processes: number) {
  const children: Child[] = [];
  const times = async (name: string, start: (index: number) => Promise<readonly [Child, object]>) => {
    const runners: Runner[] = [];
    for (let index = 0; index < processes; index += 1) {
      const [child, headers] = await start(index);
      children.push(child);
      runners.push({ origin: child.said, measured: [{ pid: child.pid }], headers: { ...headers } });
    }
    return { name, runners };
  };
  const gateway = (name: string) =>
    startPopulated(name, { dir, upstreamUri: upstream, population: { users: 10, grants: 50 } });
  const entrants: Entrant[] = [
    await times('bare @fastify/http-proxy', async () => [await startHttpProxy(upstream), {}]),
    await times('gateway, admin', async (index) => [await gateway(`admin-${index}`), basic('admin')]),
    await times('gateway, user', async (index) => [await gateway(`user-${index}`), basic('user-0')]),
    await times('gateway, user with a token', async (index) => {
      const child = await gateway(`token-${index}`);
      return [child, await bearer(child.said, 'user-0')];
    }),
  ];
  const postgresql = await startPostgresql(join(dir, 'user-0.db'));
  if (postgresql === undefined) {
    note('PostgreSQL is not installed: left out.');
  } else {
    const { uri: databaseUri } = postgresql;
    entrants.push(
      await times('gateway, user, PostgreSQL', async (index) => [
        await startGateway({ upstreamUri: upstream, databaseUri, log: join(dir, `pg-${index}.log`) }),
        basic('user-0'),
      ]),
    );
  }
  const rivals: Rival[] = [];
  for (const [name, rival] of Object.entries({
    Caddy: await startCaddy(dir, upstream),
    nginx: await startNginx(dir, upstream),
  })) {
    if (rival === undefined) {
      note(`${name} is not installed: left out.`);
      continue;
    }
    rivals.push(rival);
    const runners = [{ ...rival, headers: basic('admin') }];
    entrants.push({ name: `${name}, authentication alone`, runners });
  }
  const stopAll = async () => {
    await Promise.all([
      ...children.map(({ process }) => stop(process)),
      ...rivals.map((rival) => rival.stop()),
    ]);
    await postgresql?.stop();
  };
  return { entrants, stopAll };
}
