import FindMyWay from 'find-my-way';
import { invalid } from '../../errors.ts';
import { type Shape, shapeOf } from '../read/fields.ts';
import { createSkim, type Skim } from '../read/skim.ts';
import type { Target } from '../read/target.ts';
import { outlivesItsExperiment } from '../things/look-ups.ts';
import { lookedAtBy } from './looked-at.ts';
import { carryOut, type Executors, phaseOf, type RuleBy, rulesBy } from './phases.ts';
import type { AnyRow, Locator, Need, Rule } from './row.ts';

/** One method and path of the table, ready to be judged. */
export interface Operation {
  /** `POST 2.0 runs/log-metric`: the row's own words, for logs, tests and the field tables. */
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly need: Need;
  readonly locators: readonly Locator[];
  readonly rules: readonly Rule[];
  /** The rules by the part of the gateway that carries them out, each in the order of the row. */
  readonly by: RulesByPart;
  /** How its request is read. */
  readonly reading: Reading;
  /** It may create, rename or delete what holds grants: it is forwarded between an intent and its outcome. */
  readonly tracks: boolean;
  /** Whether it is looked right before which experiment has which id. */
  readonly looksAfresh: boolean;
  /** Whether the gateway answers it itself, as one of its own. */
  readonly isOwn: boolean;
  /** Declared fields of the request, where MLflow declares them. */
  readonly shape: Shape | undefined;
  /** Reads what the row looks at out of a plain body; undefined where more may be looked at than the row says. */
  readonly skim: Skim | undefined;
  /** Headers of an identity kind that the row judges itself, such as `x-mlflow-run-id`. */
  readonly judgedHeaders: readonly string[];
}

/** How the request of an operation is read, settled once by its rules. */
export interface Reading {
  /** The query is read too, though the method has a body. */
  readonly query: boolean;
  /** What the body is taken for; a `stream` is not read at all. */
  readonly body: 'json' | 'form' | 'bytes' | 'stream' | Upload;
  /** Whether fields that no version of MLflow declares are refused to users. */
  readonly fields: 'declared' | 'any';
  /** Whether it is read for a caller who may do everything, and what then becomes of one that cannot be read. */
  readonly ofUnrestricted: 'no' | 'lenient' | 'strict';
}

/** JSON, or a form that has it in one part and a file in another. */
export interface Upload {
  readonly json: string;
  readonly file: string;
}

const READERS: Executors<'read', [], Partial<Reading>> = {
  'takes-query': () => ({ query: true }),
  'takes-form': () => ({ body: 'form' }),
  'takes-upload': ({ json, file }) => ({ body: { json, file } }),
  'takes-bytes': () => ({ body: 'bytes' }),
  'takes-any-field': () => ({ fields: 'any' }),
  streams: () => ({ body: 'stream' }),
};

/** The rules of a row, each where it is carried out. */
export type RulesByPart = {
  readonly [Part in 'check' | 'judge' | 'prepare' | 'track' | 'reply' | 'workspace']: readonly RuleBy<Part>[];
};

function partsOf(rules: readonly Rule[]): RulesByPart {
  return {
    // Denied kinds first: nothing that is wrong with a request is told to a caller who may not make it.
    check: rulesBy('check', rules).toSorted(
      (a, b) => Number(b.rule === 'unless-denied') - Number(a.rule === 'unless-denied'),
    ),
    judge: rulesBy('judge', rules),
    prepare: rulesBy('prepare', rules),
    track: rulesBy('track', rules),
    reply: rulesBy('reply', rules),
    workspace: rulesBy('workspace', rules),
  };
}

function readingOf(rules: readonly Rule[]): Reading {
  const asked = rules.map((rule) => phaseOf(rule).request);
  return {
    query: rules.some(({ rule }) => rule === 'serve'),
    body: 'json',
    // What the gateway answers itself it takes the fields from that it knows.
    fields: rules.some(({ rule }) => rule === 'serve' || rule === 'answer') ? 'any' : 'declared',
    ofUnrestricted: asked.includes('strict') ? 'strict' : asked.includes('lenient') ? 'lenient' : 'no',
    ...Object.assign({}, ...rulesBy('read', rules).map((rule) => carryOut(READERS, rule))),
  };
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
  if (path.startsWith('/')) {
    return [path];
  }
  for (const [shorthand, prefixes] of Object.entries(PREFIXES)) {
    if (path.startsWith(`${shorthand} `)) {
      return prefixes.map((prefix) => prefix + path.slice(shorthand.length + 1));
    }
  }
  throw new Error(`the table has a path that means nothing: ${path}`);
}

/** The operations of a table, one for each method of a row. */
export function operationsOf(rows: readonly AnyRow[]): readonly Operation[] {
  return rows.flatMap(([methods, path, need, touches, ...rules]) =>
    methods.split('|').map((method) => {
      const name = `${method} ${path}`;
      const locators = touches === undefined ? [] : 'kind' in touches ? [touches] : touches;
      const judgedHeaders = locators.flatMap(({ from }) =>
        from.filter((each) => each.startsWith('header.')).map((each) => each.slice('header.'.length)),
      );
      const reading = readingOf(rules);
      const isOwn = rules.some(({ rule }) => rule === 'serve');
      const shape = shapeOf(name);
      const lookedAt = reading.body === 'json' && method !== 'GET' ? lookedAtBy(locators, rules) : undefined;
      const skim = shape === undefined || lookedAt === undefined ? undefined : createSkim(shape, lookedAt);
      const by = partsOf(rules);
      const tracks = rulesBy('track', rules).length > 0 || rulesBy('bring', rules).length > 0;
      const looksAfresh = rulesBy('look', rules).length > 0 || touchesWhatOutlives(locators, rules);
      return {
        ...{ name, method, path, need, locators, rules, by, tracks, looksAfresh },
        ...{ reading, isOwn, shape, skim, judgedHeaders },
      };
    }),
  );
}

/** Whether an operation may touch or show something that is left when its experiment is gone. */
function touchesWhatOutlives(locators: readonly Locator[], rules: readonly Rule[]): boolean {
  const kinds = [...locators, ...rules.filter((rule) => rule.rule === 'keep')].map(({ kind }) => kind);
  return kinds.some(outlivesItsExperiment);
}

interface Entry {
  readonly operation: Operation;
  readonly positions: readonly Position[];
}

/** Where a parameter is among the target's segments. */
interface Position {
  readonly name: string;
  readonly index: number;
  readonly rest: boolean;
  /** Characters of its segment before it: one in `@:organization`. */
  readonly skipped: number;
}

function parameterOf(part: string, index: number): readonly Position[] {
  const [, prefix = '', mark, name] = /^(@?)([:*])(\w+)$/.exec(part) ?? [];
  return name === undefined ? [] : [{ name, index, rest: mark === '*', skipped: prefix.length }];
}

/** Builds the look-up from canonical path and method to an operation of the table. */
export function createMatcher(
  rows: readonly AnyRow[],
): (method: string, target: Target) => Match | undefined {
  const router = FindMyWay({ caseSensitive: true, ignoreTrailingSlash: false, maxParamLength: 16_384 });
  for (const operation of operationsOf(rows)) {
    for (const full of expandPath(operation.path)) {
      const positions = full
        .slice(1)
        .split('/')
        .flatMap((part, index) => parameterOf(part, index));
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
    if (found === null) {
      return undefined;
    }
    const { operation, positions } = found.store as Entry;
    const params: Record<string, string> = {};
    for (const { name, index, rest, skipped } of positions) {
      const value = rest ? target.segments.slice(index).join('/') : target.segments[index]?.slice(skipped);
      if (value === undefined || value === '') {
        throw invalid(`The path has no ${name}.`);
      }
      params[name] = value;
    }
    return { operation, params };
  };
}
