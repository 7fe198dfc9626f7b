import { LRUCache } from 'lru-cache';
import { unavailable } from '../../errors.ts';
import type { Root, RootKind } from '../../policy/resources.ts';
import { propertyAt } from '../read/property-at.ts';
import type { ChildKind } from '../table/row.ts';
import { readAnswer } from '../upstream/answer-json.ts';
import { ask as askUpstream } from '../upstream/ask.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { type AskedKind, existenceTarget, readExistence } from './existence.ts';
import { hasPromptTag, isCanonical } from './identifiers.ts';

/** Finds the roots that children belong to. */
export interface Lineage {
  /**
   * The roots of a child, all of which must allow what is asked; undefined if the upstream has no such thing.
   *
   * @throws ApiError 503 or 504 if the upstream gives no clear answer: silence never grants.
   */
  rootsOf(kind: ChildKind, id: string): Promise<readonly Root[] | undefined> | readonly Root[];
  /** Remembers what a reply passing by has told. */
  learn(kind: ChildKind, id: string, experimentId: string): void;
  /** Whether a name of the model registry is a prompt's; a name that is nobody's is not. Never remembered. */
  isPrompt(name: string): Promise<boolean>;
  /** Whether a name that users choose is nobody's: MLflow says so itself. Never remembered. */
  isFree(kind: AskedKind, name: string): Promise<boolean>;
  /** Where a run or logged model keeps its artifacts, for judging an address; undefined if there is none. */
  artifactRootOf(kind: 'run' | 'logged_model', id: string): Promise<string | undefined>;
}

interface LookUp {
  readonly target: (id: string) => string;
  /** Where the reply holds the id or the list of ids of its experiments, or of another kind of root. */
  readonly experiment: readonly string[];
  /** The reply is a list, and the row of this name is meant. */
  readonly row?: { readonly list: string; readonly name: string };
  readonly kind?: RootKind;
  /** Never moves to another experiment, so that an answer holds for ever. */
  readonly immutable: boolean;
  /** Statuses that say that there is none, if not 404 and 400. */
  readonly noneAt?: readonly number[];
  /** There may be several of them, or none: MLflow leaves an empty list out. */
  readonly list?: boolean;
  /** MLflow writes the id as a number here. */
  readonly number?: boolean;
  /** May belong to no experiment at all. */
  readonly loose?: boolean;
}

const api = (version: '2.0' | '3.0', path: string) => (id: string) =>
  `/api/${version}/mlflow/${path.replace(':id', encodeURIComponent(id))}`;

/** One way to ask for each kind; traces have had two APIs, asked in this order. */
const LOOK_UPS = {
  run: [
    {
      target: api('2.0', 'runs/get?run_id=:id'),
      experiment: ['run', 'info', 'experiment_id'],
      immutable: true,
    },
  ],
  logged_model: [
    {
      target: api('2.0', 'logged-models/:id?allow_deleted=true'),
      experiment: ['model', 'info', 'experiment_id'],
      immutable: true,
    },
  ],
  // Stock MLflow moves a trace when somebody starts another of its id: never remembered. Clients choose the
  // ids, so that "there is none" lets one be started: only a 404 says it.
  trace: [
    {
      target: api('3.0', 'traces/:id'),
      experiment: ['trace', 'trace_info', 'trace_location', 'mlflow_experiment', 'experiment_id'],
      immutable: false,
      noneAt: [404],
    },
    {
      target: api('2.0', 'traces/:id/info'),
      experiment: ['trace_info', 'experiment_id'],
      immutable: false,
      noneAt: [404],
    },
  ],
  dataset: [
    {
      target: api('3.0', 'datasets/:id/experiment-ids'),
      experiment: ['experiment_ids'],
      list: true,
      immutable: false,
    },
  ],
  issue: [{ target: api('3.0', 'issues/:id'), experiment: ['issue', 'experiment_id'], immutable: true }],
  label_schema: [
    {
      target: api('3.0', 'label-schemas/get?schema_id=:id'),
      experiment: ['label_schema', 'experiment_id'],
      immutable: true,
    },
  ],
  review_queue: [
    {
      target: api('3.0', 'review-queues/get?queue_id=:id'),
      experiment: ['review_queue', 'experiment_id'],
      immutable: true,
    },
  ],
  job: [
    {
      target: (id) => `/ajax-api/3.0/jobs/${encodeURIComponent(id)}`,
      experiment: ['params', 'experiment_id'],
      immutable: true,
      loose: true,
    },
  ],
  prompt_optimization_job: [
    {
      target: api('3.0', 'prompt-optimization/jobs/:id'),
      experiment: ['job', 'experiment_id'],
      immutable: true,
    },
  ],
  // Endpoints can be renamed, and grants stay with the id.
  gateway_endpoint_name: [
    {
      target: api('3.0', 'gateway/endpoints/get?name=:id'),
      experiment: ['endpoint', 'endpoint_id'],
      kind: 'gateway_endpoint',
      immutable: false,
    },
    // MLflow before 3.11 takes no name there.
    {
      target: api('3.0', 'gateway/endpoints/list'),
      row: { list: 'endpoints', name: 'name' },
      experiment: ['endpoint_id'],
      kind: 'gateway_endpoint',
      immutable: false,
    },
  ],
  // Its scorer's.
  gateway_guardrail: [
    {
      target: api('3.0', 'gateway/guardrails/get?guardrail_id=:id'),
      experiment: ['guardrail', 'scorer', 'experiment_id'],
      number: true,
      immutable: true,
    },
  ],
} as const satisfies Record<ChildKind, readonly LookUp[]>;

/** Run ids asked for in one GraphQL request: MLflow 3 allows ten aliases. */
const BATCH = 10;
const REMEMBERED = 200_000;

export interface LineageOptions {
  /** Told of each look-up, and whether the upstream has to be asked. */
  readonly lookedUp?: ((kind: ChildKind, foundIn: 'memory' | 'upstream') => void) | undefined;
}

/** Creates the look-ups; what cannot change is remembered, what is not there never is. */
export function createLineage(upstream: Upstream, { lookedUp }: LineageOptions = {}): Lineage {
  const remembered = new LRUCache<string, readonly Root[]>({ max: REMEMBERED });
  const asking = new Map<string, Promise<readonly Root[] | undefined>>();
  const runs = createRunBatch(upstream);

  function rootsOf(kind: ChildKind, id: string) {
    const key = `${kind} ${id}`;
    const known = remembered.get(key);
    lookedUp?.(kind, known === undefined ? 'upstream' : 'memory');
    if (known !== undefined) return known;
    // What may move is asked for afresh: an answer on its way may be older than the question.
    if (!LOOK_UPS[kind][0].immutable) return ask(kind, id);
    const running = asking.get(key);
    if (running !== undefined) return running;
    const answer = ask(kind, id).finally(() => asking.delete(key));
    asking.set(key, answer);
    return answer;
  }

  async function ask(kind: ChildKind, id: string): Promise<readonly Root[] | undefined> {
    if (kind === 'run') {
      const experimentId = await runs(id);
      if (experimentId !== undefined) learn('run', id, experimentId);
      return experimentId === undefined ? undefined : [experiment(experimentId)];
    }
    for (const lookUp of LOOK_UPS[kind] as readonly LookUp[]) {
      const found = await askUpstream(upstream, lookUp.target(id), lookUp.noneAt);
      if (found === undefined) continue;
      const told = lookUp.row === undefined ? found : rowIn(found, lookUp.row, id);
      if (told === undefined) continue;
      const value = lookUp.experiment.reduce<unknown>(propertyAt, told);
      const ids = idsIn(value, lookUp);
      if (ids.length === 0 || !ids.every(isId)) {
        if (lookUp.loose || ids.length === 0) return undefined;
        throw unavailable(`The MLflow server did not say which experiment the ${kind} belongs to.`);
      }
      const { kind: rootKind = 'experiment' } = lookUp;
      const roots = ids.map((id): Root => ({ kind: rootKind, id }));
      if (lookUp.immutable) remembered.set(`${kind} ${id}`, roots);
      return roots;
    }
    return undefined;
  }

  function learn(kind: ChildKind, id: string, experimentId: string) {
    if (LOOK_UPS[kind][0].immutable && isId(experimentId))
      remembered.set(`${kind} ${id}`, [experiment(experimentId)]);
  }

  return {
    rootsOf,
    learn,
    async isPrompt(name) {
      const target = `/api/2.0/mlflow/registered-models/get?name=${encodeURIComponent(name)}`;
      return hasPromptTag(propertyAt(await askUpstream(upstream, target), 'registered_model'));
    },
    async isFree(kind, name) {
      const answer = await upstream.exchange({
        method: 'GET',
        target: existenceTarget(kind, 'byName', name),
      });
      return readExistence(kind, 'byName', name, answer) === 'missing';
    },
    async artifactRootOf(kind, id) {
      const found = await askUpstream(upstream, LOOK_UPS[kind][0].target(id));
      const uri = [kind === 'run' ? 'run' : 'model', 'info', 'artifact_uri'].reduce<unknown>(
        propertyAt,
        found,
      );
      return typeof uri === 'string' ? uri : undefined;
    },
  };
}

function rowIn(reply: unknown, { list, name }: NonNullable<LookUp['row']>, id: string): unknown {
  const rows = propertyAt(reply, list);
  return Array.isArray(rows) ? rows.find((row) => propertyAt(row, name) === id) : undefined;
}

/** What stands where a look-up finds ids, whether or not they are any. */
function idsIn(value: unknown, { list, number }: LookUp): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (list && value === undefined) return [];
  return [number && Number.isSafeInteger(value) ? String(value) : value];
}

const experiment = (id: string): Root => ({ kind: 'experiment', id });

/** Text that names something: whoever may read all experiments may not read what is in none. */
const isId = (value: unknown): value is string => typeof value === 'string' && value !== '';

/**
 * Asks for the experiments of runs, all that are asked for at once in one request: 68 bytes a run by
 * GraphQL, where `runs/get` brings every param and metric (147 kB for a long run).
 */
function createRunBatch(upstream: Upstream): (id: string) => Promise<string | undefined> {
  type Waiting = {
    id: string;
    resolve: (experimentId: string | undefined) => void;
    reject: (error: unknown) => void;
  };
  let waiting: Waiting[] = [];

  // The id becomes part of a query: whatever is not an id as MLflow makes them is asked for in the other way.
  return (id) => (isCanonical('run', id) ? enqueue(id) : byRest(id));

  function enqueue(id: string): Promise<string | undefined> {
    return new Promise((resolve, reject) => {
      waiting.push({ id, resolve, reject });
      if (waiting.length === 1) setImmediate(flush);
    });
  }

  function flush() {
    const all = waiting;
    waiting = [];
    for (let start = 0; start < all.length; start += BATCH) void send(all.slice(start, start + BATCH));
  }

  async function send(batch: readonly Waiting[]) {
    try {
      const found = await ask(batch.map(({ id }) => id));
      batch.forEach(({ resolve }, index) => {
        resolve(found[index]);
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  async function ask(ids: readonly string[]): Promise<readonly (string | undefined)[]> {
    const fields = ids.map(
      (id, index) => `r${index}:mlflowGetRun(input:{runId:"${id}"}){run{info{runId experimentId}}}`,
    );
    const answer = await upstream.exchange({
      method: 'POST',
      target: '/graphql',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: `{${fields.join(' ')}}` }),
    });
    if (answer.status !== 200) return Promise.all(ids.map(byRest));
    const { data } = readAnswer(answer);
    return Promise.all(
      ids.map((id, index) => {
        const info = ['run', 'info'].reduce<unknown>(propertyAt, propertyAt(data, `r${index}`));
        const experimentId = propertyAt(info, 'experimentId');
        // Anything but a plain answer, "not there" included, is asked again in the other way.
        return propertyAt(info, 'runId') === id && isId(experimentId) ? experimentId : byRest(id);
      }),
    );
  }

  async function byRest(id: string): Promise<string | undefined> {
    const [lookUp] = LOOK_UPS.run;
    const found = lookUp.experiment.reduce<unknown>(
      propertyAt,
      await askUpstream(upstream, lookUp.target(id)),
    );
    return isId(found) ? found : undefined;
  }
}
