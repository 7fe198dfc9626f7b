import { join } from 'node:path';
import { bearer } from './bearer.ts';
import type { Bench } from './bench.ts';
import { startCaddy } from './caddy.ts';
import { type Child, startChild, stop } from './children.ts';
import { type Contestant, type Cost, compare } from './compare.ts';
import { type GatewayChild, startGateway, WITHOUT_AUDIT } from './gateway.ts';
import { startNginx } from './nginx.ts';
import { fromEach, OPERATIONS, type OperationName } from './operations.ts';
import { startPopulated } from './populated.ts';
import { basic, type Population, populate } from './population.ts';
import { startPostgresql } from './postgresql.ts';
import { startHttpProxy } from './rivals.ts';

const MEASURED: readonly OperationName[] = [
  'experiments/get',
  'runs/get',
  'runs/log-metric',
  'runs/log-batch of 100',
  'runs/log-batch of 1000',
];
/** Each event of a request has to wake a process on its own: how it is in front of an MLflow that is slower than its clients. */
const ONE_BY_ONE = 'runs/get, one at a time';

const RUNS = Array.from({ length: 50 }, (_, index) => (index + 0xabc).toString(16).padStart(32, '0'));
const SUBJECT = { experimentId: '1', runIds: RUNS };
type Amounts = Pick<Population, 'users' | 'grants'>;

const FEW: Amounts = { users: 10, grants: 10 };
/** Users that send requests in turn where there are many. */
const CALLERS = 100;

/** The gateway in front of an upstream that answers at once, beside bare proxies. */
export async function measureAlone({ load, dir, quick, note }: Bench): Promise<Cost[]> {
  const many = quick ? { users: 1_000, grants: 100_000 } : { users: 10_000, grants: 1_000_000 };
  const socketPath = join(dir, 'alone.sock');
  const small = await startChild('bench/processes/small-upstream.ts', [socketPath, '10']);
  const bare = await startHttpProxy(socketPath);
  const upstreamUri = `unix:${socketPath}`;
  const start = (name: string, population: Amounts, execArgv: string[] = []) =>
    startPopulated(name, { dir, upstreamUri, population, execArgv });
  // Each has a process of its own: one that served several would have had more requests than the others, and be compiled
  // the better for it.
  const forAdmin = await start('admin', FEW);
  const forUser = await start('user', FEW);
  const forToken = await start('token', FEW);
  const unwritten = await start('unwritten', FEW, WITHOUT_AUDIT);
  const crowded = await start('many', many);
  const nginx = await startNginx(dir, socketPath);
  const caddy = await startCaddy(dir, socketPath);
  const postgresql = await startPostgresql(join(dir, 'user.db'));
  for (const [name, rival] of Object.entries({ nginx, Caddy: caddy, PostgreSQL: postgresql })) {
    if (rival === undefined) {
      note(`${name} is not installed: left out.`);
    }
  }
  const onPostgresql =
    postgresql &&
    (await startGateway({ upstreamUri, databaseUri: postgresql.uri, log: join(dir, 'pg.log') }));

  const everyone = Array.from({ length: CALLERS }, (_, index) => basic(`user-${index}`));
  const through = (name: string, gateway: GatewayChild, callers: readonly Record<string, string>[]) =>
    contestant(name, gateway.said, gateway.pid, callers);
  const contestants = [
    contestant('bare @fastify/http-proxy', bare.said, bare.pid, [{}]),
    through('gateway, admin', forAdmin, [basic('admin')]),
    through('gateway, user', forUser, [basic('user-0')]),
    through('gateway, user with a token', forToken, [await bearer(forToken.said, 'user-1')]),
    through('gateway, user, no audit log', unwritten, [basic('user-0')]),
    ...(onPostgresql ? [through('gateway, user, PostgreSQL', onPostgresql, [basic('user-0')])] : []),
    through(
      `gateway, ${CALLERS} users in turn; ${amount(many.users)} users, ${amount(many.grants)} grants`,
      crowded,
      everyone,
    ),
    ...(caddy === undefined
      ? []
      : [contestant('Caddy, authentication alone', caddy.origin, caddy.measured, [basic('admin')])]),
    ...(nginx === undefined
      ? []
      : [contestant('nginx, authentication alone', nginx.origin, nginx.measured, [basic('admin')])]),
  ];
  const costs: Cost[] = [];
  for (const operation of [...MEASURED, ONE_BY_ONE]) {
    const large = operation.includes('log-batch');
    const effort = {
      rounds: quick ? 3 : 8,
      count: (quick ? 1000 : 6000) / (large ? 3 : 1),
      seconds: 5,
      connections: operation === ONE_BY_ONE ? 1 : 16,
      // V8 compiles for tens of thousands of requests; who has had fewer would look dearer.
      warmUp: (operation === MEASURED[0] ? 60_000 : 30_000) / (quick ? 5 : 1) / (large ? 4 : 1),
    };
    costs.push(...(await compare(load, operation, contestants, effort)));
  }
  await Promise.all([nginx?.stop(), caddy?.stop()]);
  for (const each of [forAdmin, forUser, forToken, unwritten, crowded, onPostgresql, bare, small]) {
    await (each && stop(each.process));
  }
  await postgresql?.stop();
  for (const many of quick ? [20_000] : [2_000, 20_000]) {
    costs.push(...(await measureSearch({ load, dir, quick, note }, many)));
  }
  return costs;
}

/** A page of ten for a user who may read 5 of many; the upstream's CPU counts here, as it is asked for more. */
async function measureSearch({ load, dir, quick }: Bench, many: number): Promise<Cost[]> {
  const socketPath = join(dir, `search-${many}.sock`);
  const database = join(dir, `search-${many}.db`);
  await populate(database, { users: 10, grants: 50, rounds: 4 });
  const small = await startChild('bench/processes/small-upstream.ts', [socketPath, String(many)]);
  const bare = await startHttpProxy(socketPath);
  const gateway = await startGateway({
    upstreamUri: `unix:${socketPath}`,
    database,
    log: join(dir, `search-${many}.log`),
  });
  const both = ({ pid }: Child) => [{ pid }, { pid: small.pid }];
  const shots = OPERATIONS['experiments/search'];
  const contestants = [
    {
      name: 'bare @fastify/http-proxy',
      origin: bare.said,
      measured: both(bare),
      shots: () => shots(SUBJECT, {}),
    },
    {
      name: 'gateway, user',
      origin: gateway.said,
      measured: both(gateway),
      shots: () => shots(SUBJECT, basic('user-0')),
    },
  ];
  const effort = { rounds: quick ? 3 : 5, count: 500, seconds: 3, connections: 16, warmUp: 500 };
  const costs = await compare(load, `experiments/search, 5 of ${amount(many)}`, contestants, effort);
  for (const { process } of [gateway, bare, small]) {
    await stop(process);
  }
  return costs;
}

function contestant(
  name: string,
  origin: string,
  pid: number | Contestant['measured'],
  callers: readonly Record<string, string>[],
): Contestant {
  return {
    name,
    origin,
    measured: typeof pid === 'number' ? [{ pid }] : pid,
    shots: (operation) => fromEach(callers, OPERATIONS[nameOf(operation)](SUBJECT, {})),
  };
}

const nameOf = (operation: string): OperationName =>
  operation === ONE_BY_ONE ? 'runs/get' : (operation as OperationName);

const amount = (count: number) => count.toLocaleString('en');
