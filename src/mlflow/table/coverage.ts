import { liveRoutes, SAMPLED_VERSIONS } from '../read/fields.ts';
import { nearestVersion, neighboursOf } from '../read/versions.ts';
import { expandPath, operationsOf } from './match.ts';
import type { AnyRow } from './row.ts';

/**
 * What the table knows of a version of MLflow.
 *
 * `covered`: every operation of this very version has a row. `between`: the version was not looked at
 * itself, but lies between two that were, and every operation of theirs has a row. `missing`: these
 * operations have none, and only an admin may use them. `unknown`: outside of what was looked at.
 *
 * `readAs` is the version whose messages say which fields a request may have; undefined for all of them.
 */
export type Coverage =
  | { readonly is: 'covered' }
  | {
      readonly is: 'between';
      readonly versions: readonly [string, string];
      readonly readAs: string | undefined;
    }
  | { readonly is: 'missing'; readonly operations: readonly string[] }
  | {
      readonly is: 'unknown';
      readonly versions: readonly [oldest: string, newest: string];
      readonly readAs: string | undefined;
    };

/** Servers of the MCP registry are named `namespace/slug`, for which the upstream has a greedy parameter. */
const MCP_SERVER_NAME = /\/mcp-servers\/\*/;

/**
 * A method and path with the names of its parameters taken out, so that the table, MLflow's Flask rules
 * and its FastAPI paths can be compared: `GET /api/3.0/mlflow/traces/:` stands for `/traces/:trace_id`,
 * `/traces/<trace_id>` and `/traces/{trace_id}`.
 */
export function keyOf(method: string, path: string): string {
  const bare = path
    .split('/')
    .map((segment) => {
      if (/^(?:\*\w*|<path:\w+>|\{\w+:path\})$/.test(segment)) {
        return '*';
      }
      if (/^@[:{]/.test(segment)) {
        return '@:';
      }
      return /^:|[<{]/.test(segment) ? ':' : segment;
    })
    .join('/');
  // Behind a server's name each greedy parameter is one segment for the table: what has a slash is refused.
  const settled = MCP_SERVER_NAME.test(bare)
    ? bare.replace(MCP_SERVER_NAME, '/mcp-servers/:/:').replaceAll('*', ':')
    : bare;
  return `${method} ${settled}`;
}

/** The keys of everything that rows stand for, `/api` and `/ajax-api` each. */
export function keysOf(rows: readonly AnyRow[]): ReadonlySet<string> {
  return new Set(
    operationsOf(rows).flatMap(({ method, path }) => expandPath(path).map((full) => keyOf(method, full))),
  );
}

/** Those of the operations, in the notation of src/mlflow/read/fields.ts, that have no row. */
export function uncovered(operations: readonly string[], rows: readonly AnyRow[]): readonly string[] {
  const covered = keysOf(rows);
  return operations.filter((operation) => {
    const space = operation.indexOf(' ');
    const method = operation.slice(0, space);
    return expandPath(operation.slice(space + 1)).some((full) => !covered.has(keyOf(method, full)));
  });
}

/** Says whether the table covers a version, such as `3.17.2`. */
export function coverageOf(version: string, rows: readonly AnyRow[]): Coverage {
  const own = liveRoutes(version);
  if (own !== undefined) {
    return covering(own, rows) ?? { is: 'covered' };
  }
  const { below, above } = neighboursOf(version);
  const readAs = nearestVersion(version);
  if (below === undefined || above === undefined) {
    return { is: 'unknown', versions: [SAMPLED_VERSIONS[0] ?? '', SAMPLED_VERSIONS.at(-1) ?? ''], readAs };
  }
  const operations = [...(liveRoutes(below) ?? []), ...(liveRoutes(above) ?? [])];
  return covering(operations, rows) ?? { is: 'between', versions: [below, above], readAs };
}

/** One sentence about a coverage, for the log. */
export function describeCoverage(coverage: Coverage): string {
  switch (coverage.is) {
    case 'covered':
      return 'every operation of this version has a row in the table, and every field is known';
    case 'between':
      return `not looked at itself, but the table covers ${coverage.versions.join(' and ')}, between which it lies; ${readAs(coverage)}`;
    case 'missing':
      return `only admins may use ${coverage.operations.join(', ')}: the table has no row`;
    case 'unknown':
      return `outside of ${coverage.versions.join(' to ')}, which the table was made for: operations and fields that it does not know are for admins only; ${readAs(coverage)}`;
  }
}

function readAs({ readAs: version }: { readonly readAs: string | undefined }): string {
  return version === undefined
    ? 'requests may have the fields of any version'
    : `requests may have the fields of ${version}`;
}

function covering(operations: readonly string[], rows: readonly AnyRow[]): Coverage | undefined {
  const missing = [...new Set(uncovered(operations, rows))];
  return missing.length === 0 ? undefined : { is: 'missing', operations: missing };
}
