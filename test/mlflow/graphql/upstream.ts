import { execFileSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { NEWEST, OLDEST, pythonOf } from '../../support/mlflow.ts';

export const VERSIONS = [OLDEST, NEWEST] as const;

export interface Body {
  readonly query: string;
  readonly variables?: unknown;
  readonly operationName?: string | null;
}

/** What MLflow's GraphQL layer did with a body: `reads` are `run <id>` and `experiment <id>`. */
export interface Answer {
  readonly reads: string[];
  readonly data: unknown;
  readonly errors: string[] | null;
}

const path = (relative: string) => fileURLToPath(new URL(`../../../${relative}`, import.meta.url));

/** Runs a script with the Python of an installed MLflow. */
export function python(version: string, script: string, stdin = ''): string {
  return execFileSync(pythonOf(version), [path(script)], {
    input: stdin,
    encoding: 'utf8',
    timeout: 100_000,
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
}

/** Has MLflow read some bodies, with recorders in the place of its stores. */
export function answersOf(version: string, bodies: readonly Body[]): Answer[] {
  return JSON.parse(python(version, 'test/mlflow/graphql/upstream_reads.py', JSON.stringify(bodies)));
}

/** Every GraphQL document in the interface that a version ships. */
export function documentsOf(version: string): string[] {
  const bundle = `.venv/mlflow-${version}/lib/python3.*/site-packages/mlflow/server/js/build/static/js/**/*.js`;
  const files = globSync(bundle, { cwd: path('') });
  if (files.length === 0) {
    throw new Error(`MLflow ${version} has no interface.`);
  }
  return files.flatMap((file) =>
    [
      ...readFileSync(path(file), 'utf8').matchAll(
        /`(\s*(?:query|mutation|subscription|fragment) \w+[^`]*)`/g,
      ),
    ].map(([, document = '']) => document),
  );
}
