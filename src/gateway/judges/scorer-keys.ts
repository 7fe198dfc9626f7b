import type { FastifyRequest } from 'fastify';
import type { SignedIn } from '../../identity/principal.ts';
import { type ModelCalls, readModelCalls } from '../../mlflow/ai-gateway/model-calls.ts';
import { text } from '../../mlflow/read/json.ts';
import { propertyAt } from '../../mlflow/read/property-at.ts';
import type { SpecialQuestions } from '../../mlflow/table/row.ts';
import { ask } from '../../mlflow/upstream/ask.ts';
import type { Upstream } from '../../mlflow/upstream/upstream.ts';
import type { Judge } from '../judge/judge.ts';
import { judgeAll } from '../judge/judge-all.ts';
import { textsAt } from '../locate/locate.ts';
import { readable } from '../locate/readable.ts';
import type { Reference } from '../reference.ts';
import { checkServerKeys } from './server-keys.ts';
import type { Special } from './special.ts';

type Asked = SpecialQuestions['scorer-keys'];
type Body = Readonly<Record<string, unknown>>;

const API = '/api/3.0/mlflow/scorers';

/**
 * Judges what scorers will be run with: those that call nothing but endpoints of the AI gateway need USE on these, all
 * others run with the keys of the server. A scorer that runs online is run as its newest version is, no
 * matter who has registered that: a new version, or an old one that becomes the newest by a delete, needs what starting it would.
 *
 * @see `get_active_online_scorers` in mlflow/store/tracking/sqlalchemy_store.py, `_invoke_scorer_handler` and
 * `_invoke_genai_evaluate_handler` in mlflow/server/handlers.py
 */
export function scorerKeys(judge: Judge, upstream: Upstream): Special<Asked> {
  return async (request, caller, asks) => {
    const scorers = await RUN[asks](upstream, request.way.body, request);
    await judgeRun(
      request,
      caller,
      judge,
      scorers.map((scorer) => (scorer === undefined ? UNKNOWN : readModelCalls(scorer))),
    );
    return undefined;
  };
}

/** A scorer that cannot be found might call anything. */
const UNKNOWN: ModelCalls = { endpoints: [], traces: [], onlyEndpoints: false, steeredBy: undefined };

async function judgeRun(
  request: FastifyRequest,
  caller: SignedIn,
  judge: Judge,
  run: readonly ModelCalls[],
): Promise<void> {
  if (run.some(({ onlyEndpoints }) => !onlyEndpoints)) {
    checkServerKeys(judge, caller);
  }
  const references = run.flatMap(({ endpoints, traces }): Reference[] => [
    ...endpoints.map((id): Reference => ({ kind: 'gateway_endpoint_name', id, action: 'use' })),
    ...traces.map((id): Reference => ({ kind: 'trace', id, action: 'read' })),
  ]);
  await judgeAll(request, caller, references, judge);
}

/** The scorers that will be run because of a request, as JSON; undefined for one that is named and not found. */
const RUN: {
  readonly [Asks in Asked]: (
    upstream: Upstream,
    body: Body,
    request: FastifyRequest,
  ) => Promise<readonly (string | undefined)[]>;
} = {
  async register(upstream, body, request) {
    const scorers = textsAt('body.serialized_scorer', readable(request));
    // What they call in the way of endpoints is judged whether or not they run.
    const isPlain = scorers.every((scorer) => readModelCalls(scorer).onlyEndpoints);
    return isPlain || !(await isOnline(upstream, await stored(upstream, body))) ? [] : scorers;
  },
  async configure(upstream, body) {
    return isOff(body['sample_rate']) ? [] : [serializedIn(await stored(upstream, body))];
  },
  async 'delete version'(upstream, body) {
    const { version } = body;
    if (version === undefined || version === null) {
      return [];
    }
    const versions = await ask(upstream, `${API}/versions?${queryOf(body)}`);
    const listed = propertyAt(versions, 'scorers');
    const left = (Array.isArray(listed) ? listed : []).filter((each) => versionOf(each) !== Number(version));
    const [newest] = left.sort((a, b) => versionOf(b) - versionOf(a));
    return (await isOnline(upstream, newest)) ? [serializedIn(newest)] : [];
  },
  async invoke(upstream, body, request) {
    const { scorer_name: name, scorer_version: version } = body;
    return name === undefined || name === null
      ? named(textsAt('body.serialized_scorer', readable(request)))
      : [serializedIn(await stored(upstream, { ...body, name }, version))];
  },
  async evaluate(upstream, body, request) {
    const scorers = textsAt('body.serialized_scorers[]', readable(request));
    const { scorer_versions: versions } = body;
    const run = scorers.map(async (scorer, index) => {
      const version: unknown = Array.isArray(versions) ? versions[index] : undefined;
      if (version === undefined || version === null) {
        return scorer;
      }
      const name = propertyAt(JSON.parse(scorer), 'name');
      return serializedIn(await stored(upstream, { ...body, name }, version));
    });
    return named(await Promise.all(run));
  },
};

/** What a job is to run; one that names nothing is not known to run nothing. */
const named = (scorers: readonly (string | undefined)[]) => (scorers.length === 0 ? [undefined] : scorers);

/** A scorer as MLflow keeps it: the newest version, unless another is named; undefined if there is none. */
async function stored(upstream: Upstream, body: Body, version?: unknown): Promise<unknown> {
  const named = version === undefined ? '' : `&version=${encodeURIComponent(String(version))}`;
  return propertyAt(await ask(upstream, `${API}/get?${queryOf(body)}${named}`), 'scorer');
}

function queryOf({ experiment_id: experimentId, name }: Body): string {
  return `experiment_id=${encodeURIComponent(String(experimentId))}&name=${encodeURIComponent(String(name))}`;
}

const serializedIn = (scorer: unknown): string | undefined => text(propertyAt(scorer, 'serialized_scorer'));

const versionOf = (scorer: unknown): number => Number(propertyAt(scorer, 'scorer_version'));

/** Whether a scorer is run on new traces by itself. MLflow before 3.9 runs none, and does not know of it. */
async function isOnline(upstream: Upstream, scorer: unknown): Promise<boolean> {
  const id = text(propertyAt(scorer, 'scorer_id'));
  if (id === undefined) {
    return false;
  }
  const answer = await ask(upstream, `${API}/online-configs?scorer_ids=${encodeURIComponent(id)}`);
  const configs = propertyAt(answer, 'configs');
  return Array.isArray(configs) && configs.some((config) => !isOff(propertyAt(config, 'sample_rate')));
}

/** A rate that stops a scorer. MLflow reads text as Python's `float` does. */
function isOff(rate: unknown): boolean {
  return rate === 0 || (typeof rate === 'string' && /^0+(?:\.0*)?$/.test(rate));
}
