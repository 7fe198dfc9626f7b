import type { Shot } from './job.ts';

/** What requests are about: ids that exist where they are sent. */
export interface Subject {
  readonly experimentId: string;
  readonly runIds: readonly string[];
  /** What a search of runs looks through; the one experiment if not said. */
  readonly searched?: readonly string[];
}

type Headers = Readonly<Record<string, string>>;

const CONTENT = { 'content-type': 'application/json' };

/** The operations that are measured, each a list of requests sent in turn. */
export const OPERATIONS = {
  'experiments/get': ({ experimentId }, headers) => [
    get(`experiments/get?experiment_id=${experimentId}`, headers),
  ],
  'runs/get': ({ runIds }, headers) => runIds.map((id) => get(`runs/get?run_id=${id}`, headers)),
  'runs/log-metric': ({ runIds }, headers) =>
    runIds.map((id) =>
      post('runs/log-metric', headers, { run_id: id, key: 'loss', value: 0.5, timestamp: 1, step: 7 }),
    ),
  'runs/log-batch of 100': ({ runIds }, headers) => runIds.map((id) => logBatch(id, headers, 100)),
  'runs/log-batch of 1000': ({ runIds }, headers) => runIds.map((id) => logBatch(id, headers, 1000)),
  'runs/search': ({ experimentId, searched = [experimentId] }, headers) => [
    post('runs/search', headers, { experiment_ids: searched, max_results: 100 }),
  ],
  'experiments/search': (_, headers) => [post('experiments/search', headers, { max_results: 10 })],
  'registered-models/search': (_, headers) => [get('registered-models/search?max_results=10', headers)],
  'model-versions/search': (_, headers) => [get('model-versions/search?max_results=10', headers)],
} as const satisfies Record<string, (subject: Subject, headers: Headers) => readonly Shot[]>;

export type OperationName = keyof typeof OPERATIONS;

export const OPERATION_NAMES = Object.keys(OPERATIONS) as readonly OperationName[];

function get(path: string, headers: Headers): Shot {
  return { method: 'GET', path: `/api/2.0/mlflow/${path}`, headers };
}

function post(path: string, headers: Headers, body: unknown): Shot {
  return {
    method: 'POST',
    path: `/api/2.0/mlflow/${path}`,
    headers: { ...headers, ...CONTENT },
    body: JSON.stringify(body),
  };
}

function logBatch(runId: string, headers: Headers, metrics: number): Shot {
  return post('runs/log-batch', headers, {
    run_id: runId,
    metrics: Array.from({ length: metrics }, (_, step) => ({
      key: `metric-${step % 10}`,
      value: step / 3,
      timestamp: 1_700_000_000_000 + step,
      step,
    })),
    params: [],
    tags: [],
  });
}

/** The same requests with headers of several callers, in turn. */
export function fromEach(callers: readonly Headers[], shots: readonly Shot[]): readonly Shot[] {
  const count = Math.max(callers.length, shots.length);
  return Array.from({ length: count }, (_, index) => {
    const shot = shots[index % shots.length] as Shot;
    return { ...shot, headers: { ...shot.headers, ...callers[index % callers.length] } };
  });
}
