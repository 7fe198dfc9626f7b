import { join } from 'node:path';
import type { Bench } from './bench.ts';
import { stop } from './children.ts';
import { type Contestant, type Cost, compare } from './compare.ts';
import { startGateway } from './gateway.ts';
import type { Shot } from './job.ts';
import { isInstalled, type MlflowServer, startMlflow } from './mlflow.ts';
import {
  addExperiments,
  addInside,
  addModels,
  createFirstInside,
  createFirstModel,
  createFirstRun,
  modelName,
  traceLocation,
} from './mlflow-data.ts';
import { basic, populate } from './population.ts';
import { startHttpProxy } from './rivals.ts';

const USER = 'user-0';
const ROWS = 10;

/** A search: what it is called, where it is, and its parameters but for the page. */
interface Search {
  readonly name: string;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** How much there is, of which one in twenty is the user's, and the page that is measured besides the first. */
const SIZES = {
  whole: { many: 20_000, traces: 100_000, page: 100 },
  quick: { many: 2_000, traces: 10_000, page: 10 },
} as const;
const ONE_IN = 20;

/** Pages of searches of a user who may read a thousand of 20,000, beside MLflow alone, which shows all; CPU of all processes. */
export async function measureScale({ load, dir, quick, note }: Bench): Promise<Cost[]> {
  if (!isInstalled('3.17.2')) {
    note('No stock MLflow is installed (npm test installs it): searched nothing at scale.');
    return [];
  }
  const { many, traces, page: later } = SIZES[quick ? 'quick' : 'whole'];
  const file = join(dir, 'scale.db');
  const start = (listen: 'socket' | 'tcp') =>
    startMlflow({ dir: join(dir, 'scale'), backendStoreUri: `sqlite:///${file}`, listen });
  const first = await start('tcp');
  try {
    await fill(first, file, many, traces);
  } finally {
    await first.stop();
  }
  const own = Array.from({ length: many / ONE_IN }, (_, index) => (index + 1) * ONE_IN);
  const database = join(dir, 'scale-gateway.db');
  const experiments = own.map(String);
  await populate(database, { users: 1, grants: 0, experiments, models: own.map(modelName), rounds: 4 });
  const mlflow = await start('socket');
  try {
    const upstreamUri = `unix:${mlflow.socketPath}`;
    const gateway = await startGateway({ upstreamUri, database, log: join(dir, 'scale.log') });
    const bare = await startHttpProxy(mlflow.socketPath ?? '');
    const alone = { origin: mlflow.origin, socketPath: mlflow.socketPath ?? '' };
    const costs: Cost[] = [];
    for (const search of searches(experiments)) {
      const unseen = await pageToken(bare.said, search, {}, later);
      const seen = await pageToken(gateway.said, search, basic(USER), later);
      for (const [page, others, ours] of [
        ['first page', undefined, undefined],
        [`page ${later}`, unseen, seen],
      ] as const) {
        const shots = (token: string | undefined, headers: Shot['headers']) => () => [
          shotOf(search, token, headers),
        ];
        const contestants: readonly Contestant[] = [
          { name: 'MLflow alone', ...alone, measured: [{ group: mlflow.group }], shots: shots(others, {}) },
          {
            ...{ name: 'bare @fastify/http-proxy', origin: bare.said },
            ...{ measured: [{ pid: bare.pid }, { group: mlflow.group }], shots: shots(others, {}) },
          },
          {
            ...{ name: 'gateway, user', origin: gateway.said },
            measured: [{ pid: gateway.pid }, { group: mlflow.group }],
            shots: shots(ours, basic(USER)),
          },
        ];
        const title = `${search.name}, ${page}`;
        costs.push(
          ...(await compare(load, title, contestants, {
            ...{ rounds: quick ? 2 : 3, count: quick ? 10 : 20 },
            ...{ seconds: quick ? 2 : 6, connections: 1, warmUp: 3 },
          })),
        );
      }
    }
    for (const { process } of [gateway, bare]) {
      await stop(process);
    }
    return costs;
  } finally {
    await mlflow.stop();
  }
}

async function fill({ origin }: MlflowServer, file: string, many: number, traces: number): Promise<void> {
  const runId = await createFirstRun(origin);
  await createFirstModel(origin, runId);
  const { trace, loggedModel, dataset } = await createFirstInside(origin);
  addExperiments(file, many);
  addModels(file, many);
  addInside(file, 'trace', trace, traces, many);
  addInside(file, 'loggedModel', loggedModel, many, many);
  addInside(file, 'dataset', dataset, many, many);
}

/** What lies in experiments is searched for in those that the user may read, by whomever. */
function searches(own: readonly string[]): readonly Search[] {
  return [
    { name: 'experiments', method: 'POST', path: '2.0/mlflow/experiments/search', parameters: {} },
    { name: 'registered models', method: 'GET', path: '2.0/mlflow/registered-models/search', parameters: {} },
    { name: 'model versions', method: 'GET', path: '2.0/mlflow/model-versions/search', parameters: {} },
    {
      ...{ name: 'logged models', method: 'POST', path: '2.0/mlflow/logged-models/search' },
      parameters: { experiment_ids: own },
    },
    {
      ...{ name: 'traces', method: 'POST', path: '3.0/mlflow/traces/search' },
      parameters: { locations: own.map(traceLocation) },
    },
    { name: 'datasets', method: 'POST', path: '3.0/mlflow/datasets/search', parameters: {} },
  ];
}

function shotOf(search: Search, token: string | undefined, headers: Shot['headers']): Shot {
  const { method, path, parameters } = search;
  const sent = { ...parameters, max_results: ROWS, ...(token !== undefined && { page_token: token }) };
  return method === 'GET'
    ? { method, path: `/api/${path}?${new URLSearchParams({ ...sent, max_results: `${ROWS}` })}`, headers }
    : {
        ...{ method, path: `/api/${path}`, body: JSON.stringify(sent) },
        headers: { ...headers, 'content-type': 'application/json' },
      };
}

/** Reads page after page, as clients do; answers the token of the one that is measured. */
async function pageToken(
  origin: string,
  search: Search,
  headers: Shot['headers'],
  wanted: number,
): Promise<string> {
  let token: string | undefined;
  for (let page = 1; page < wanted; page += 1) {
    const { path, ...request } = shotOf(search, token, headers);
    const answer = await patiently(`${origin}${path}`, request);
    const said = await answer.text();
    token = (JSON.parse(said) as { next_page_token?: string }).next_page_token;
    if (token === undefined) {
      throw new Error(`${search.name} ends with page ${page}: ${answer.status} ${said}`);
    }
  }
  return token ?? '';
}

/** As MLflow's clients do: on a busy machine MLflow may close a connection that is just being used again. */
async function patiently(url: string, request: RequestInit): Promise<Response> {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await fetch(url, request);
    if (answer.status !== 503 || attempt === 5) {
      return answer;
    }
    await answer.body?.cancel();
  }
}
