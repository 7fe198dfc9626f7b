import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const VERSIONS = ['2.15.1', '3.17.2'] as const;
export type Version = (typeof VERSIONS)[number];

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
export function python(version: Version, script: string, stdin = ''): string {
  const binary = path(`.venv/mlflow-${version}/bin/python`);
  if (!existsSync(binary))
    throw new Error(`MLflow ${version} is not installed: run npm test, which sets it up.`);
  return execFileSync(binary, [path(script)], {
    input: stdin,
    encoding: 'utf8',
    timeout: 100_000,
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
}

/** Has MLflow read some bodies, with recorders in the place of its stores. */
export function answersOf(version: Version, bodies: readonly Body[]): Answer[] {
  return JSON.parse(python(version, 'test/mlflow/graphql/upstream_reads.py', JSON.stringify(bodies)));
}

/** Every GraphQL document in the interface that a version ships. */
export function documentsOf(version: Version): string[] {
  const bundle = `.venv/mlflow-${version}/lib/python3.*/site-packages/mlflow/server/js/build/static/js/**/*.js`;
  const files = globSync(bundle, { cwd: path('') });
  if (files.length === 0) throw new Error(`MLflow ${version} has no interface.`);
  return files.flatMap((file) =>
    [
      ...readFileSync(path(file), 'utf8').matchAll(
        /`(\s*(?:query|mutation|subscription|fragment) \w+[^`]*)`/g,
      ),
    ].map(([, document = '']) => document),
  );
}
