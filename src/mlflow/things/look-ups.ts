/**
 * How MLflow is asked for one thing of each kind: what it belongs to, whether it is there and since when. One row a
 * kind; ./lineage.ts finds roots by it, ./existence.ts what has become of a create, rename or delete.
 */
import type { RootKind } from '../../policy/resources.ts';
import { encodeSegment } from '../read/percent.ts';
import type { ChildKind, TrackedKind } from '../table/row.ts';

/** A GET that tells of one thing. */
export interface Way {
  readonly target: (id: string) => string;
  /** Where the reply holds the thing, or the list to look for it in; left out if the reply is the thing. */
  readonly at?: string;
  /** What in a row of the list must be the text that is asked for; without it every row is about it. */
  readonly where?: string;
  /** The first version of MLflow that can be asked so; every one if left out. */
  readonly since?: readonly [major: number, minor: number];
  /** Statuses that say that there is none, if not 404 and 400. */
  readonly noneAt?: readonly number[];
}

/** Where a child says which roots it belongs to. */
export interface Belonging {
  /** What they are; experiments if left out. */
  readonly kind?: RootKind;
  /** Where the thing holds the id, or the list of ids; two joined with `/` for what is named by both. */
  readonly at: string;
  /** There may be several of them, or none: MLflow leaves an empty list out. */
  readonly list?: boolean;
  /** MLflow writes the id as a number here. */
  readonly number?: boolean;
  /** May belong to none at all. */
  readonly loose?: boolean;
  /** Never moves to another, so that an answer holds for ever. */
  readonly immutable: boolean;
  /**
   * Where the thing says when it was made, or last put into an experiment (milliseconds since the epoch, by MLflow's
   * clock). Only of what is left when its experiment is gone: another that gets the id is younger. Of what may move it
   * is another moment after each move.
   */
  readonly since?: string;
  /**
   * The first version of MLflow that leaves alone what has the id in another workspace, where clients choose ids; every one
   * if left out.
   */
  readonly keptApartSince?: readonly [major: number, minor: number];
}

/** Where a thing says since when it has been there. */
export interface Moments {
  /** What its grants are keyed by; left out if that is what it is asked by. */
  readonly id?: string;
  readonly createdAt: string;
  /** When it was last changed, renamed first of all; told only of what can be renamed. */
  readonly updatedAt?: string;
}

/** The ways to ask for a thing, newest first, with what it tells. */
export interface ChildLookUp {
  readonly ways: readonly Way[];
  /** Another GET, where the first tells nothing of the thing but what it belongs to. */
  readonly itself?: Way;
  readonly belongs: Belonging;
}
export interface TrackedLookUp {
  /** By the name that it is created under. */
  readonly byName: readonly Way[];
  /** By the id that its grants are keyed by; left out where that is its name. */
  readonly byId?: readonly Way[];
  readonly tells: Moments;
}

/** Puts an id or name into an address as one piece of text, whatever is in it. */
const api = (version: '2.0' | '3.0', path: string) => (id: string) =>
  `/api/${version}/mlflow/${path.replace(':id', () => encodeURIComponent(id))}`;

/** The parts of a name that has exactly two: `<namespace>/<slug>`. */
const twoOf = (id: string): readonly [string, string] => {
  const slash = id.indexOf('/');
  return [id.slice(0, slash), id.slice(slash + 1)];
};

/** Endpoints are listed before MLflow 3.11, which takes no name where one is got. */
const ENDPOINT_BY_NAME: readonly Way[] = [
  { target: api('3.0', 'gateway/endpoints/get?name=:id'), at: 'endpoint', since: [3, 11] },
  { target: api('3.0', 'gateway/endpoints/list'), at: 'endpoints', where: 'name' },
];

const IN_EXPERIMENT = { at: 'experiment_id', immutable: true } as const;

export const CHILD_LOOK_UPS = {
  run: {
    ways: [{ target: api('2.0', 'runs/get?run_id=:id'), at: 'run.info' }],
    belongs: IN_EXPERIMENT,
  },
  logged_model: {
    ways: [{ target: api('2.0', 'logged-models/:id?allow_deleted=true'), at: 'model.info' }],
    belongs: IN_EXPERIMENT,
  },
  // Stock MLflow moves a trace when another of its id is started: never remembered. Clients choose the ids, so that
  // "there is none" lets one be started: only a 404 says it.
  trace: {
    ways: [
      {
        target: api('3.0', 'traces/:id'),
        at: 'trace.trace_info.trace_location.mlflow_experiment',
        since: [3, 2],
        noneAt: [404],
      },
      { target: api('2.0', 'traces/:id/info'), at: 'trace_info', noneAt: [404] },
    ],
    // `start_trace` of mlflow/store/tracking/sqlalchemy_store.py
    belongs: { at: 'experiment_id', immutable: false, keptApartSince: [3, 13] },
  },
  dataset: {
    ways: [{ target: api('3.0', 'datasets/:id/experiment-ids') }],
    itself: { target: api('3.0', 'datasets/:id'), at: 'dataset' },
    belongs: { at: 'experiment_ids', list: true, immutable: false, since: 'last_update_time' },
  },
  issue: { ways: [{ target: api('3.0', 'issues/:id'), at: 'issue' }], belongs: IN_EXPERIMENT },
  label_schema: {
    ways: [{ target: api('3.0', 'label-schemas/get?schema_id=:id'), at: 'label_schema' }],
    belongs: IN_EXPERIMENT,
  },
  review_queue: {
    ways: [{ target: api('3.0', 'review-queues/get?queue_id=:id'), at: 'review_queue' }],
    belongs: IN_EXPERIMENT,
  },
  job: {
    ways: [{ target: (id) => `/ajax-api/3.0/jobs/${encodeURIComponent(id)}` }],
    belongs: { at: 'params.experiment_id', immutable: true, loose: true, since: 'creation_time' },
  },
  prompt_optimization_job: {
    ways: [{ target: api('3.0', 'prompt-optimization/jobs/:id'), at: 'job' }],
    belongs: { ...IN_EXPERIMENT, since: 'creation_timestamp_ms' },
  },
  // Endpoints can be renamed, and grants stay with the id.
  gateway_endpoint_name: {
    ways: ENDPOINT_BY_NAME,
    belongs: { kind: 'gateway_endpoint', at: 'endpoint_id', immutable: false },
  },
  // Its scorer's.
  gateway_guardrail: {
    ways: [{ target: api('3.0', 'gateway/guardrails/get?guardrail_id=:id'), at: 'guardrail.scorer' }],
    belongs: { ...IN_EXPERIMENT, number: true },
  },
  // MLflow finds no scorer by the id that its binding to an endpoint has.
  scorer_id: {
    ways: [{ target: api('3.0', 'scorers/list'), at: 'scorers', where: 'scorer_id' }],
    belongs: { kind: 'scorer', at: 'experiment_id/scorer_name', number: true, immutable: true },
  },
} as const satisfies Readonly<Record<ChildKind, ChildLookUp>>;

/** Whether a thing is left when its experiment is gone, so that it could be taken for one of the next that gets the id. */
export function outlivesItsExperiment(kind: string): boolean {
  const lookUps: Readonly<Record<string, ChildLookUp | undefined>> = CHILD_LOOK_UPS;
  return lookUps[kind]?.belongs.since !== undefined;
}

/** Every kind whose grants come and go with what MLflow creates, renames and deletes. */
export const TRACKED_LOOK_UPS = {
  experiment: {
    byName: [{ target: api('2.0', 'experiments/get-by-name?experiment_name=:id'), at: 'experiment' }],
    byId: [{ target: api('2.0', 'experiments/get?experiment_id=:id'), at: 'experiment' }],
    tells: { id: 'experiment_id', createdAt: 'creation_time' },
  },
  registered_model: {
    byName: [{ target: api('2.0', 'registered-models/get?name=:id'), at: 'registered_model' }],
    tells: { id: 'name', createdAt: 'creation_timestamp', updatedAt: 'last_updated_timestamp' },
  },
  gateway_secret: {
    byName: [{ target: api('3.0', 'gateway/secrets/list'), at: 'secrets', where: 'secret_name' }],
    byId: [{ target: api('3.0', 'gateway/secrets/get?secret_id=:id'), at: 'secret' }],
    tells: { id: 'secret_id', createdAt: 'created_at' },
  },
  gateway_endpoint: {
    byName: ENDPOINT_BY_NAME,
    byId: [{ target: api('3.0', 'gateway/endpoints/get?endpoint_id=:id'), at: 'endpoint' }],
    tells: { id: 'endpoint_id', createdAt: 'created_at' },
  },
  gateway_model_definition: {
    byName: [
      { target: api('3.0', 'gateway/model-definitions/list'), at: 'model_definitions', where: 'name' },
    ],
    byId: [
      {
        target: api('3.0', 'gateway/model-definitions/get?model_definition_id=:id'),
        at: 'model_definition',
      },
    ],
    tells: { id: 'model_definition_id', createdAt: 'created_at' },
  },
  mcp_server: {
    byName: [
      { target: (name) => `/api/3.0/mlflow/mcp-servers/${twoOf(name).map(encodeURIComponent).join('/')}` },
    ],
    tells: { id: 'name', createdAt: 'creation_timestamp' },
  },
  skill: {
    byName: [
      {
        // As the path of a skill is written: the `@` of an organization starts it, a slash ends that.
        target: (name) => `/api/3.0/mlflow/skills/${name.split('/').map(encodeSegment).join('/')}`,
      },
    ],
    tells: { id: '@organization/name', createdAt: 'creation_timestamp' },
  },
  scorer: {
    byName: [
      {
        // The name is percent-encoded already.
        target: (id) => {
          const [experimentId, name] = twoOf(id);
          return `/api/3.0/mlflow/scorers/versions?experiment_id=${encodeURIComponent(experimentId)}&name=${name}`;
        },
        at: 'scorers',
      },
    ],
    tells: { createdAt: 'creation_time' },
  },
} as const satisfies Readonly<Record<TrackedKind, TrackedLookUp>>;

/** The way that a version of MLflow takes; undefined if it is not known which. */
export function wayFor(ways: readonly Way[], version: string | undefined): Way | undefined {
  if (ways.length === 1) {
    return ways[0];
  }
  return ways.find(({ since = [0, 0] }) => isSince(version, since));
}

/** Whether a version of MLflow is one, or a later; not if it is not known which. */
export function isSince(
  version: string | undefined,
  [sinceMajor, sinceMinor]: readonly [major: number, minor: number],
): boolean {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(version ?? '') ?? [];
  return Number(major) === sinceMajor ? Number(minor) >= sinceMinor : Number(major) > sinceMajor;
}
