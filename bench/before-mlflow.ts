import { symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench } from './bench.ts';
import { type Child, type Load, startChild, stop } from './children.ts';
import { type Contestant, type Cost, compare } from './compare.ts';
import { startGateway, WITHOUT_AUDIT } from './gateway.ts';
import { isInstalled, type MlflowServer, type MlflowSettings, startMlflow } from './mlflow.ts';
import { addExperiments, addRuns, createFirstRun, createMlflowUser, madeAt } from './mlflow-data.ts';
import { prepareOidcAuth } from './oidc-auth.ts';
import { OPERATIONS, type OperationName } from './operations.ts';
import { startPopulated } from './populated.ts';
import { basic, populate } from './population.ts';
import { startHttpProxy } from './rivals.ts';

const MEASURED: readonly OperationName[] = [
  'experiments/get',
  'runs/get',
  'runs/log-metric',
  'runs/log-batch of 100',
  'runs/search',
];
/** The others take long and tell the same. */
const QUICK: ReadonlySet<string> = new Set(['runs/get', 'runs/log-metric', 'runs/search']);
const READABLE = ['1', '2', '3', '4', '5'];
const USER = 'user-0';

type How = Pick<MlflowSettings, 'auth' | 'app' | 'python'>;

/**
 * The gateway in front of a real MLflow, beside MLflow alone, MLflow's own basic-auth and mlflow-oidc-auth; CPU of all
 * processes.
 */
export async function measureBeforeMlflow({ load, dir, quick, note }: Bench): Promise<Cost[]> {
  if (!isInstalled('3.17.2')) {
    note('No stock MLflow is installed (npm test installs it): measured nothing in front of it.');
    return [];
  }
  const file = join(dir, 'mlflow.db');
  const start = (name: string, listen: 'socket' | 'tcp', how: How = {}) =>
    startMlflow({ dir: join(dir, name), backendStoreUri: `sqlite:///${file}`, listen, ...how });
  const servers: MlflowServer[] = [];
  try {
    // The first makes the database that all share, and is reached for what the benchmark needs itself.
    const tcp = await start('tcp', 'tcp');
    servers.push(tcp);
    const firstRun = await createFirstRun(tcp.origin);
    const runIds = addRuns(file, firstRun, quick ? 500 : 3_000).slice(0, 50);
    addExperiments(file, 199);
    const socket = await start('socket', 'socket');
    servers.push(socket);
    const uncached = await start('uncached', 'tcp', { auth: { cacheSeconds: 0 } });
    servers.push(uncached);
    const cached = await start('cached', 'tcp', { auth: { cacheSeconds: 3_600 } });
    servers.push(cached);
    for (const { origin } of [uncached, cached]) {
      await createMlflowUser(origin, USER, READABLE);
    }
    const oidcAuth = prepareOidcAuth(join(dir, 'oidc-auth'), USER, READABLE, note);
    const subject = { experimentId: '1', runIds };
    const contestant = (
      name: string,
      server: Pick<Contestant, 'origin' | 'measured'>,
      headers: object,
    ): Contestant => ({
      name,
      ...server,
      shots: (operation) => OPERATIONS[nameOf(operation)](subject, { ...headers }),
    });
    const beside: Contestant[] = [];
    const addBeside = async (name: string, headers: object, how: How) => {
      const started = await start(`beside-${beside.length}`, 'tcp', how);
      servers.push(started);
      beside.push(contestant(name, server(started), headers));
    };
    if (oidcAuth !== undefined) {
      const { app, python, otherPython, token } = oidcAuth;
      const on = otherPython === undefined ? '' : `, Python ${otherPython}`;
      // A newer Python is a faster one.
      if (otherPython !== undefined) {
        await addBeside(`MLflow, TCP${on}`, {}, { python });
      }
      await addBeside(`mlflow-oidc-auth, token${on}`, basic(USER, token), { python, app });
    }

    const upstream = join(dir, 'upstream.sock');
    // Made when MLflow's were, or the gateway takes MLflow's for others with the same ids, on which nobody holds a grant.
    const small = await startChild('bench/processes/small-upstream.ts', [
      ...[join(dir, 'small.sock'), '10'],
      String(await madeAt(tcp.origin, '1')),
    ]);
    symlinkSync(join(dir, 'small.sock'), upstream);
    const population = { users: 10, grants: 10 * READABLE.length };
    const startOn = (name: string, execArgv: string[] = []) =>
      startPopulated(name, { dir, upstreamUri: `unix:${upstream}`, population, execArgv });
    const forAdmin = await startOn('for-admin');
    const forUser = await startOn('for-user');
    const unwritten = await startOn('unwritten', WITHOUT_AUDIT);
    const bare = await startHttpProxy(upstream);
    const through = ({ said, pid }: Child) => ({
      origin: said,
      measured: [{ pid }, { group: socket.group }],
    });
    const contestants = [
      contestant('MLflow, unix socket', server(socket), {}),
      contestant('MLflow, TCP', server(tcp), {}),
      contestant('MLflow basic-auth', server(uncached), basic(USER)),
      contestant('MLflow basic-auth, passwords cached', server(cached), basic(USER)),
      ...beside,
      contestant('bare @fastify/http-proxy on the socket', through(bare), {}),
      contestant('gateway on the socket, admin', through(forAdmin), basic('admin')),
      contestant('gateway on the socket, user', through(forUser), basic(USER)),
      contestant('gateway on the socket, user, no audit log', through(unwritten), basic(USER)),
    ];
    // MLflow's pool holds 15 connections to its database, and a write waits for all before it.
    const effort = {
      rounds: quick ? 2 : 3,
      count: quick ? 60 : 150,
      seconds: quick ? 0.7 : 2,
      connections: 4,
      warmUp: quick ? 10 : 40,
    };
    await warmUp(load, contestants, quick ? 5_000 : 20_000);
    await stop(small.process);
    unlinkSync(upstream);
    symlinkSync(socket.socketPath ?? '', upstream);
    const costs: Cost[] = [];
    const operations = quick ? MEASURED.filter((name) => QUICK.has(name)) : MEASURED;
    for (const operation of operations) {
      costs.push(...(await compare(load, operation, contestants, effort)));
    }
    for (const many of quick ? [200] : [200, 2_000]) {
      addExperiments(file, many - 1);
      const operation = `experiments/search, 5 of ${many.toLocaleString('en')}`;
      costs.push(...(await compare(load, operation, contestants, effort)));
    }
    for (const { process } of [forAdmin, forUser, unwritten, bare]) {
      await stop(process);
    }
    return costs;
  } finally {
    await Promise.all(servers.map((each) => each.stop()));
  }
}

const SEVERAL = 4;

/**
 * MLflow with several workers, which stall kept-alive TCP connections, and the gateway in front of as many that listen
 * on a unix socket.
 */
export async function measureBeforeWorkers({ load, dir, quick, note }: Bench): Promise<Cost[]> {
  if (!isInstalled('3.17.2')) {
    note('No stock MLflow is installed (npm test installs it): measured none with several workers.');
    return [];
  }
  const start = (listen: 'socket' | 'tcp') =>
    startMlflow({
      dir: join(dir, `workers-${listen}`),
      backendStoreUri: `sqlite:///${join(dir, 'workers.db')}`,
      listen,
      workers: SEVERAL,
    });
  const servers: MlflowServer[] = [];
  try {
    const tcp = await start('tcp');
    servers.push(tcp);
    const runIds = [await createFirstRun(tcp.origin)];
    const socket = await start('socket');
    servers.push(socket);
    const database = join(dir, 'before-workers.db');
    await populate(database, { users: 10, grants: 10 * READABLE.length, rounds: 4 });
    const gateway = await startGateway({
      upstreamUri: `unix:${socket.socketPath}`,
      database,
      log: join(dir, 'before-workers.log'),
    });
    const shots = (headers: object) => (operation: string) =>
      OPERATIONS[nameOf(operation)]({ experimentId: '1', runIds }, { ...headers });
    const contestants: Contestant[] = [
      { name: 'MLflow, TCP', ...server(tcp), shots: shots({}) },
      {
        name: 'gateway on the socket, user',
        origin: gateway.said,
        measured: [{ pid: gateway.pid }, { group: socket.group }],
        shots: shots(basic(USER)),
      },
    ];
    const effort = {
      rounds: 3,
      count: 150,
      seconds: quick ? 1 : 3,
      connections: 4,
      warmUp: quick ? 20 : 100,
    };
    const costs: Cost[] = [];
    for (const operation of ['experiments/get', 'runs/get']) {
      costs.push(...(await compare(load, operation, contestants, effort)));
    }
    await stop(gateway.process);
    return costs;
  } finally {
    await Promise.all(servers.map((each) => each.stop()));
  }
}

/**
 * Brings the proxies to the speed of those that have served for a while. Before an upstream that answers at once,
 * as MLflow is too slow for them to get there here.
 */
async function warmUp(load: Load, contestants: readonly Contestant[], count: number): Promise<void> {
  for (const { name, origin, shots } of contestants) {
    if (/^mlflow/i.test(name)) {
      continue;
    }
    for (const operation of ['experiments/get', 'runs/get', 'runs/log-metric']) {
      await load({
        origin,
        shots: shots(operation) ?? [],
        count,
        connections: 8,
        seconds: 15,
        statuses: [200],
      });
    }
  }
}

function server({ origin, socketPath, group }: MlflowServer) {
  return { origin, ...(socketPath !== undefined && { socketPath }), measured: [{ group }] };
}

const nameOf = (operation: string): OperationName =>
  operation.startsWith('experiments/search') ? 'experiments/search' : (operation as OperationName);
