/** A question that changes nothing. */
interface Probe {
  readonly method: 'GET' | 'POST';
  readonly target: string;
}

/** As much of an answer as tells whether a path is served. */
interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** Where a path of the table is served by an MLflow that was started with `--static-prefix`. */
export type Placement = (target: string) => string;

interface Group {
  readonly under: RegExp;
  /** Served under the prefix if this is known there: it changes nothing, and is answered by every MLflow that has it. */
  readonly probe: Probe | 'never';
}

const get = (target: string) => ({ method: 'GET', target }) as const;
const post = (target: string) => ({ method: 'POST', target }) as const;

/**
 * What not every version serves under its prefix; the rest (pages, files, `/ajax-api`) always was. MLflow 2.15 moves
 * these alone; 3.5 GraphQL too, 3.10 `/health` and `/version`, and 3.17 everything, the FastAPI routes included.
 *
 * @see mlflow/server/handlers.py (`_add_static_prefix`), mlflow/server/fastapi_app.py
 */
const GROUPS: readonly Group[] = [
  { under: /^\/build\//, probe: 'never' },
  { under: /^\/(?:version|health|metrics)$/, probe: get('/version') },
  { under: /^\/graphql$/, probe: get('/graphql') },
  { under: /^\/v1\//, probe: post('/v1/traces') },
  { under: /^\/gateway\//, probe: post('/gateway/no-such-endpoint-probe/mlflow/invocations') },
  { under: /^\/ajax-api\/3\.0\/jobs(?:\/|$)/, probe: get('/ajax-api/3.0/jobs/no-such-job') },
  { under: /^\/server-info$/, probe: get('/server-info') },
  { under: /^\/(?:ajax-)?api\/3\.0\/mlflow\/server-info$/, probe: get('/ajax-api/3.0/mlflow/server-info') },
  { under: /^\/api\//, probe: get('/api/2.0/mlflow/experiments/get?experiment_id=0') },
];

/**
 * Asks an MLflow which of its paths are under its prefix.
 *
 * @param exchange - sends a request to a path as it stands.
 * @throws ApiError 503 or 504 if MLflow gives no answer.
 */
export async function findPlacement(
  prefix: string,
  exchange: (probe: Probe) => Promise<Answered>,
): Promise<Placement> {
  const outside = await Promise.all(
    GROUPS.map(async ({ under, probe }) =>
      probe === 'never' || !isServed(await exchange({ ...probe, target: prefix + probe.target }))
        ? [under]
        : [],
    ),
  ).then((found) => found.flat());
  return (target) => {
    const [path = ''] = target.split('?', 1);
    return outside.some((under) => under.test(path)) ? target : prefix + target;
  };
}

/** What no route knows is a 404 in HTML; what a route does not find is one in JSON. */
function isServed({ status, headers }: Answered): boolean {
  return status !== 404 || String(headers['content-type'] ?? '').includes('json');
}
