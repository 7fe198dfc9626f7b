import { join } from 'node:path';
import type { Bench } from './bench.ts';
import { stop } from './children.ts';
import { type Contestant, type Cost, compare } from './compare.ts';
import { type GatewayChild, startGateway } from './gateway.ts';
import { isInstalled, type MlflowServer, type MlflowVersion, startMlflow } from './mlflow.ts';
import {
  addExperiments,
  addModels,
  addRuns,
  createFirstModel,
  createFirstRun,
  modelName,
} from './mlflow-data.ts';
import { OPERATIONS, type OperationName } from './operations.ts';
import { basic, populate } from './population.ts';

/** The newest has filters by id, `experiment_id IN (…)` and `name IN (…)`; from the oldest, large pages are read. */
const VERSIONS: readonly MlflowVersion[] = ['3.17.2', '2.15.1'];
const SEARCHES = ['experiments/search', 'registered-models/search', 'model-versions/search'] as const;
const READABLE = 5;
const HUNDREDS = 300;
const USER = 'user-0';

/** Searches of a user who may read few of very many, or hundreds, beside MLflow alone; CPU of all processes. */
export async function measureSearches(bench: Bench): Promise<Cost[]> {
  const costs: Cost[] = [];
  for (const version of VERSIONS) {
    if (isInstalled(version)) {
      costs.push(...(await measureVersion(bench, version)));
    } else {
      bench.note(`MLflow ${version} is not installed (npm test installs it): searched none.`);
    }
  }
  return costs;
}

async function measureVersion({ load, dir, quick }: Bench, version: MlflowVersion): Promise<Cost[]> {
  const file = join(dir, `searches-${version}.db`);
  const start = (listen: 'socket' | 'tcp') =>
    startMlflow({
      version,
      dir: join(dir, `searches-${version}`),
      backendStoreUri: `sqlite:///${file}`,
      listen,
    });
  const first = await start('tcp');
  try {
    const runId = await createFirstRun(first.origin);
    addRuns(file, runId, 500);
    await createFirstModel(first.origin, runId);
  } finally {
    await first.stop();
  }
  const mlflow = await start('socket');
  try {
    const gatewayFor = async (name: string, grants: number): Promise<GatewayChild> => {
      const database = join(dir, `searches-${version}-${name}.db`);
      const models = Array.from({ length: READABLE }, (_, index) => modelName(index + 1));
      await populate(database, { users: 1, grants, models, rounds: 4 });
      return startGateway({
        upstreamUri: `unix:${mlflow.socketPath}`,
        database,
        log: join(dir, `searches-${version}.log`),
      });
    };
    const few = await gatewayFor('few', READABLE);
    const hundreds = await gatewayFor('hundreds', HUNDREDS);
    const effort = {
      rounds: quick ? 2 : 3,
      count: quick ? 40 : 100,
      seconds: quick ? 1 : 3,
      connections: 4,
      warmUp: quick ? 20 : 60,
    };
    const costs: Cost[] = [];
    const measure = async (what: string, contestants: readonly Contestant[]) =>
      costs.push(...(await compare(load, `${version} ${what}`, contestants, effort)));

    addExperiments(file, 2 * HUNDREDS);
    const ids = Array.from({ length: 2 * HUNDREDS }, (_, index) => String(index + 1));
    const readable = ids.slice(0, HUNDREDS);
    await measure(`runs/search in ${HUNDREDS} experiments`, [
      alone(mlflow, 'runs/search', readable),
      through('gateway, user', hundreds, mlflow, 'runs/search', readable),
      through(`gateway, user, ${2 * HUNDREDS} named`, hundreds, mlflow, 'runs/search', ids),
    ]);
    for (const many of quick ? [2_000] : [2_000, 20_000]) {
      // MLflow's own experiment 0 is one of them.
      addExperiments(file, many - 1);
      addModels(file, many);
      for (const search of SEARCHES) {
        await measure(`${search}, ${READABLE} of ${many.toLocaleString('en')}`, [
          alone(mlflow, search),
          through('gateway, user', few, mlflow, search),
        ]);
      }
    }
    for (const { process } of [few, hundreds]) {
      await stop(process);
    }
    return costs;
  } finally {
    await mlflow.stop();
  }
}

function alone(
  { origin, socketPath, group }: MlflowServer,
  operation: OperationName,
  searched?: readonly string[],
): Contestant {
  return {
    name: 'MLflow, unix socket',
    origin,
    ...(socketPath !== undefined && { socketPath }),
    measured: [{ group }],
    shots: () => shotsOf(operation, searched, {}),
  };
}

function through(
  name: string,
  { said, pid }: GatewayChild,
  { group }: MlflowServer,
  operation: OperationName,
  searched?: readonly string[],
): Contestant {
  return {
    name,
    origin: said,
    measured: [{ pid }, { group }],
    shots: () => shotsOf(operation, searched, basic(USER)),
  };
}

function shotsOf(
  operation: OperationName,
  searched: readonly string[] | undefined,
  headers: Readonly<Record<string, string>>,
) {
  return OPERATIONS[operation]({ experimentId: '1', runIds: [], ...(searched && { searched }) }, headers);
}
