import FindMyWay from 'find-my-way';
import { invalid } from '../../errors.ts';
import { type Shape, shapeOf } from '../read/fields.ts';
import type { Target } from '../read/target.ts';
import { ROUTES } from './routes.ts';
import type { Locator, Need, Row, Rule } from './row.ts';

/** One method and path of the table, ready to be judged. */
export interface Operation {
  /** `POST 2.0 runs/log-metric`: the row's own words, for logs, tests and the field tables. */
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly need: Need;
  readonly locators: readonly Locator[];
  readonly rules: readonly Rule[];
  /** The names of its rules, to be asked for on every request. */
  readonly ruleNames: ReadonlySet<Rule['rule']>;
  /** Declared fields of the request, where MLflow declares them. */
  readonly shape: Shape | undefined;
  /** Headers of an identity kind that the row judges itself, such as `x-mlflow-run-id`. */
  readonly judgedHeaders: readonly string[];
}

export interface Match {
  readonly operation: Operation;
  /** Values of `:name` and `*name`, decoded once. */
  readonly params: Readonly<Record<string, string>>;
}

/** Prefixes that a path of the table stands for. */
const PREFIXES = {
  '2.0': ['/api/2.0/mlflow/', '/ajax-api/2.0/mlflow/'],
  '3.0': ['/api/3.0/mlflow/', '/ajax-api/3.0/mlflow/'],
  'ajax 2.0': ['/ajax-api/2.0/mlflow/'],
  'ajax 3.0': ['/ajax-api/3.0/mlflow/'],
  'api 2.0': ['/api/2.0/mlflow/'],
  'api 3.0': ['/api/3.0/mlflow/'],
  'artifacts 2.0': ['/api/2.0/mlflow-artifacts/', '/ajax-api/2.0/mlflow-artifacts/'],
} as const satisfies Record<string, readonly string[]>;

/** The full paths that a row's path stands for, in find-my-way's notation with a bare `*`. */
export function expandPath(path: string): readonly string[] {
  if (path.startsWith('/')) return [path];
  for (const [shorthand, prefixes] of Object.entries(PREFIXES)) {
    if (path.startsWith(`${shorthand} `)) {
      return prefixes.map((prefix) => prefix + path.slice(shorthand.length + 1));
    }
  }
  throw new Error(`the table has a path that means nothing: ${path}`);
}

/** The operations of the table, one for each method of a row. */
export function operationsOf(rows: readonly Row[]): readonly Operation[] {
  return rows.flatMap(([methods, path, need, touches, ...rules]) =>
    methods.split('|').map((method) => {
      const name = `${method} ${path}`;
      const locators = touches === undefined ? [] : 'kind' in touches ? [touches] : touches;
      const judgedHeaders = locators.flatMap(({ from }) =>
        from.filter((each) => each.startsWith('header.')).map((each) => each.slice('header.'.length)),
      );
      const ruleNames = new Set(rules.map(({ rule }) => rule));
      return { name, method, path, need, locators, rules, ruleNames, shape: shapeOf(name), judgedHeaders };
    }),
  );
}

interface Entry {
  readonly operation: Operation;
  /** Position of each parameter among the target's segments. */
  readonly positions: readonly { readonly name: string; readonly index: number; readonly rest: boolean }[];
}

/** Builds the look-up from canonical path and method to an operation of the table. */
export function createMatcher(
  rows: readonly Row[] = ROUTES,
): (method: string, target: Target) => Match | undefined {
  const router = FindMyWay({ caseSensitive: true, ignoreTrailingSlash: false, maxParamLength: 16_384 });
  for (const operation of operationsOf(rows)) {
    for (const full of expandPath(operation.path)) {
      const positions = full
        .slice(1)
        .split('/')
        .flatMap((part, index) =>
          part.startsWith(':') || part.startsWith('*')
            ? [{ name: part.slice(1), index, rest: part.startsWith('*') }]
            : [],
        );
      const url = full.replace(/\*\w+$/, '*');
      router.on(operation.method as FindMyWay.HTTPMethod, url, () => {}, {
        operation,
        positions,
      } satisfies Entry);
    }
  }
  return (method, target) => {
    const judgedAs = method === 'HEAD' ? 'GET' : method;
    const found = router.find(judgedAs as FindMyWay.HTTPMethod, target.path);
    if (found === null) return undefined;
    const { operation, positions } = found.store as Entry;
    const params: Record<string, string> = {};
    for (const { name, index, rest } of positions) {
      const value = rest ? target.segments.slice(index).join('/') : target.segments[index];
      if (value === undefined || value === '') throw invalid(`The path has no ${name}.`);
      params[name] = value;
    }
    return { operation, params };
  };
}
