import { isObject } from '../read/json.ts';
import { propertyAt } from '../read/property-at.ts';
import type { TrackedKind } from '../table/row.ts';
import { replyJson } from '../upstream/answer-json.ts';
import type { Answer } from '../upstream/upstream.ts';

/** A GET that tells whether something is there. */
interface Question {
  readonly target: (text: string) => string;
  /** Where the reply holds what was found, or the list to look for it in. */
  readonly at: string;
  /** What in a row of the list must be the text that is asked for; without it every row is about it. */
  readonly where?: string;
}

/** How to ask for one kind of things; by the name it is created under, and by the id its grants are keyed by. */
interface Questions {
  readonly byName: Question;
  /** Left out where the name is the id. */
  readonly byId?: Question;
  /** Where what was found holds what its grants are keyed by; left out if that is what is asked by. */
  readonly id?: string;
  /** When it came into being. */
  readonly createdAt: string;
  /** When it was last changed, renamed first of all; told only of what can be renamed. */
  readonly updatedAt?: string;
}

const api = (version: '2.0' | '3.0', path: string) => (text: string) =>
  `/api/${version}/mlflow/${path.replace(':text', encodeURIComponent(text))}`;

/** Every kind whose grants come and go with what MLflow creates, renames and deletes. */
const QUESTIONS = {
  experiment: {
    byName: {
      target: api('2.0', 'experiments/get-by-name?experiment_name=:text'),
      at: 'experiment',
    },
    byId: {
      target: api('2.0', 'experiments/get?experiment_id=:text'),
      at: 'experiment',
    },
    id: 'experiment_id',
    createdAt: 'creation_time',
  },
  registered_model: {
    byName: {
      target: api('2.0', 'registered-models/get?name=:text'),
      at: 'registered_model',
    },
    id: 'name',
    createdAt: 'creation_timestamp',
    updatedAt: 'last_updated_timestamp',
  },
  gateway_secret: {
    byName: {
      target: api('3.0', 'gateway/secrets/list'),
      at: 'secrets',
      where: 'secret_name',
    },
    byId: {
      target: api('3.0', 'gateway/secrets/get?secret_id=:text'),
      at: 'secret',
    },
    id: 'secret_id',
    createdAt: 'created_at',
  },
  gateway_endpoint: {
    byName: {
      target: api('3.0', 'gateway/endpoints/list'),
      at: 'endpoints',
      where: 'name',
    },
    byId: {
      target: api('3.0', 'gateway/endpoints/get?endpoint_id=:text'),
      at: 'endpoint',
    },
    id: 'endpoint_id',
    createdAt: 'created_at',
  },
  gateway_model_definition: {
    byName: {
      target: api('3.0', 'gateway/model-definitions/list'),
      at: 'model_definitions',
      where: 'name',
    },
    byId: {
      target: api('3.0', 'gateway/model-definitions/get?model_definition_id=:text'),
      at: 'model_definition',
    },
    id: 'model_definition_id',
    createdAt: 'created_at',
  },
  mcp_server: {
    byName: {
      // `namespace/slug`, in which no character needs encoding.
      target: (name) => `/api/3.0/mlflow/mcp-servers/${name.split('/').map(encodeURIComponent).join('/')}`,
      at: '',
    },
    id: 'name',
    createdAt: 'creation_timestamp',
  },
  scorer: {
    byName: {
      // `<experiment>/<name>`, the name percent-encoded already.
      target: (id) => `/api/3.0/mlflow/scorers/versions?${id.replace(/^(.*?)\//, 'experiment_id=$1&name=')}`,
      at: 'scorers',
    },
    createdAt: 'creation_time',
  },
} as const satisfies Readonly<Record<TrackedKind, Questions>>;

/** A kind that MLflow can be asked for. */
export type AskedKind = keyof typeof QUESTIONS;

export const ASKED_KINDS = Object.keys(QUESTIONS) as readonly AskedKind[];

export function isAskedKind(kind: string): kind is AskedKind {
  return Object.hasOwn(QUESTIONS, kind);
}

/**
 * Whether the grants on things of this kind are keyed by their names, which another may come to have. The ids of the
 * others are made by MLflow.
 */
export function isKeyedByName(kind: AskedKind): boolean {
  const { id }: Questions = QUESTIONS[kind];
  return id === undefined || id === 'name';
}

/** What MLflow says of a thing: when it came into being and was last changed, in milliseconds since the epoch. */
export type Existence =
  | { readonly id: string; readonly createdAt: number; readonly updatedAt: number }
  | 'missing'
  | 'unclear';

/** Where MLflow is asked for a thing. */
export function existenceTarget(kind: AskedKind, by: 'byName' | 'byId', text: string): string {
  return questionOf(kind, by).target(text);
}

/** Reads what MLflow answered there. */
export function readExistence(
  kind: AskedKind,
  by: 'byName' | 'byId',
  text: string,
  answer: Pick<Answer, 'status' | 'bytes'>,
): Existence {
  const { status } = answer;
  if (status === 404) return 'missing';
  if (status !== 200) return 'unclear';
  const { at, where } = questionOf(kind, by);
  const reply = replyJson(answer);
  const found = at === '' ? reply : propertyAt(reply, at);
  if (where === undefined) return oldest(Array.isArray(found) ? found : [found], QUESTIONS[kind], text);
  // MLflow leaves an empty list out.
  if (!isObject(reply) || (found !== undefined && !Array.isArray(found))) return 'unclear';
  const rows = (found ?? []).filter((row: unknown) => propertyAt(row, where) === text);
  return rows.length === 0 ? 'missing' : oldest(rows, QUESTIONS[kind], text);
}

function questionOf(kind: AskedKind, by: 'byName' | 'byId'): Question {
  const questions: Questions = QUESTIONS[kind];
  return questions[by] ?? questions.byName;
}

/** Of several versions the first: with it the whole came into being. */
function oldest(rows: readonly unknown[], facts: Questions, asked: string): Existence {
  const [first] = rows;
  const id = facts.id === undefined ? asked : propertyAt(first, facts.id);
  const momentsAt = (path: string) => rows.map((row) => momentIn(propertyAt(row, path)));
  const createdAt = Math.min(...momentsAt(facts.createdAt));
  const updatedAt = Math.max(...momentsAt(facts.updatedAt ?? facts.createdAt));
  return typeof id === 'string' && Number.isFinite(createdAt) && Number.isFinite(updatedAt)
    ? { id, createdAt, updatedAt }
    : 'unclear';
}

/** When a thing came into being, in milliseconds since the epoch, if an answer that shows it tells it. */
export function createdAtIn(kind: AskedKind, shown: unknown): number | undefined {
  const moment = momentIn(propertyAt(shown, QUESTIONS[kind].createdAt));
  return Number.isFinite(moment) ? moment : undefined;
}

/** JSON has 64-bit integers as text where it is protobuf's; nothing at all is no moment. */
function momentIn(value: unknown): number {
  return typeof value === 'number' || (typeof value === 'string' && value !== '')
    ? Number(value)
    : Number.NaN;
}
