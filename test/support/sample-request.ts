import { partsOfSkillName } from '../../src/mlflow/read/skill-name.ts';
import { expandPath, type Operation } from '../../src/mlflow/table/match.ts';
import type { From, Locator, ReferenceKind } from '../../src/mlflow/table/row.ts';

/** One request made from a row of the table. */
export interface SampleRequest {
  readonly operation: Operation;
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The body's text; undefined without one. */
  readonly body: string | undefined;
  /** How the request says what it touches, for messages: `body.run_uuid`. */
  readonly by: string;
}

/** What stands for a thing of each kind in a request. */
export type Ids = Readonly<Record<ReferenceKind, string>>;

interface Parts {
  readonly params: Record<string, string>;
  readonly query: URLSearchParams;
  readonly headers: Record<string, string>;
  readonly body: Record<string, unknown>;
}

/** Whose the skills are that requests name by an organization too. */
export const ORGANIZATION = 'space';

/** Values of path parameters that no locator reads. */
const PLAIN_PARAMETER = 'x';

/**
 * Requests for an operation that name the things of `ids`: one for each of its paths and for each way of
 * naming them. Fields that MLflow wants besides are left out: the gateway does not ask for them.
 *
 * @param instead - for one locator of the operation, what it names in place of the thing of `ids`.
 */
export function sampleRequests(
  operation: Operation,
  ids: Ids,
  instead?: { readonly locator: Locator; readonly ids: Ids },
): readonly SampleRequest[] {
  const ways = Math.max(1, ...operation.locators.map((locator) => placesOf(locator, operation).length));
  return expandPath(operation.path).flatMap((path) =>
    Array.from({ length: ways }, (_, way) => sample(operation, path, ids, way, instead)),
  );
}

function sample(
  operation: Operation,
  path: string,
  ids: Ids,
  way: number,
  instead?: { readonly locator: Locator; readonly ids: Ids },
): SampleRequest {
  const parts: Parts = { params: {}, query: new URLSearchParams(), headers: {}, body: {} };
  const by: string[] = [];
  // Two locators may read one value: the one that is put in last counts.
  const replacedLast = [...operation.locators].sort(
    (first, second) => Number(first === instead?.locator) - Number(second === instead?.locator),
  );
  for (const locator of replacedLast) {
    const places = placesOf(locator, operation);
    const from = places[Math.min(way, places.length - 1)];
    if (from === undefined) {
      continue;
    }
    put(parts, from, (locator === instead?.locator ? instead.ids : ids)[locator.kind]);
    by.push(from);
  }
  fillWhatRulesRead(operation, parts, ids);
  const query = parts.query.toString();
  return {
    operation,
    method: operation.method,
    target: `${fill(path, parts.params)}${query === '' ? '' : `?${query}`}`,
    headers: { ...parts.headers, ...contentType(operation) },
    body: bodyOf(operation, parts.body),
    by: by.join(' and '),
  };
}

/** The places of a locator that a request of this method has. */
function placesOf({ from }: Locator, { method }: Operation): readonly From[] {
  return from.filter((each) => !each.startsWith(method === 'GET' ? 'body.' : 'query.') || from.length === 1);
}

function fillWhatRulesRead(operation: Operation, parts: Parts, ids: Ids): void {
  for (const rule of operation.rules) {
    switch (rule.rule) {
      case 'narrow':
        put(parts, `${rule.from}[]`, ids[rule.kind]);
        break;
      case 'adopt':
        // What a locator reads is named already.
        if (!operation.locators.some(({ from }) => from.includes(rule.name))) {
          put(parts, rule.name, 'created');
        }
        break;
      case 'rename':
        put(parts, rule.newName, 'renamed');
        break;
      case 'special':
        if (rule.name === 'skill-versions') {
          put(parts, rule.asks, 'created');
        }
        break;
      case 'equal':
        if (rule.required) {
          put(parts, rule.from[1], parts.params[rule.from[0].slice('path.'.length)] ?? '');
        }
        break;
      default:
    }
  }
}

function put(parts: Parts, from: From, value: string): void {
  const dot = from.indexOf('.');
  const name = from.slice(dot + 1);
  const skill = partsOfSkillName(name);
  if (skill !== undefined) {
    // A path without the place for it has none; a body may leave it out.
    parts.params[skill.organization] = ORGANIZATION;
    put(parts, `${from.slice(0, dot)}.${skill.name}` as From, value);
    return;
  }
  switch (from.slice(0, dot)) {
    case 'path': {
      const names = name.split('/');
      const values = names.length === 1 ? [value] : value.split('/');
      names.forEach((each, index) => {
        parts.params[each] = values[index] ?? '';
      });
      break;
    }
    case 'query':
      if (name.includes('/')) {
        name.split('/').forEach((each, index) => {
          parts.query.set(each, value.split('/')[index] ?? '');
        });
        break;
      }
      parts.query.set(name.replace('[]', ''), value);
      break;
    case 'header':
      parts.headers[name] = value;
      break;
    default:
      if (name.includes('/')) {
        name.split('/').forEach((each, index) => {
          putInto(parts.body, each.split('.'), value.split('/')[index] ?? '');
        });
        break;
      }
      putInto(parts.body, name.split('.'), value);
  }
}

function putInto(
  holder: Record<string, unknown>,
  [step = '', ...rest]: readonly string[],
  value: string,
): void {
  const list = step.endsWith('[]');
  const name = list ? step.slice(0, -2) : step;
  if (rest[0] === '{}') {
    const inner = {};
    putInto(inner, rest.slice(1), value);
    const text = JSON.stringify(inner);
    holder[name] = list ? [text] : text;
    return;
  }
  if (rest.length === 0) {
    holder[name] = list ? [value] : value;
    return;
  }
  const known = holder[name];
  const inner = (Array.isArray(known) ? known[0] : known) ?? {};
  putInto(inner as Record<string, unknown>, rest, value);
  holder[name] = list ? [inner] : inner;
}

function fill(path: string, params: Readonly<Record<string, string>>): string {
  return path
    .split('/')
    .map((segment) => {
      if (segment.startsWith('*')) {
        return params[segment.slice(1)] ?? PLAIN_PARAMETER;
      }
      if (segment.startsWith('@:')) {
        return `@${params[segment.slice(2)] ?? PLAIN_PARAMETER}`;
      }
      return segment.startsWith(':')
        ? encodeURIComponent(params[segment.slice(1)] ?? PLAIN_PARAMETER)
        : segment;
    })
    .join('/');
}

const has = (operation: Operation, rule: string) => operation.rules.some((each) => each.rule === rule);
const isSpecial = (operation: Operation, name: string) =>
  operation.rules.some((rule) => rule.rule === 'special' && rule.name === name);

function contentType(operation: Operation): Record<string, string> {
  if (operation.method === 'GET') {
    return {};
  }
  return {
    'content-type': has(operation, 'streams') ? 'application/octet-stream' : 'application/json',
  };
}

function bodyOf(operation: Operation, body: Readonly<Record<string, unknown>>): string | undefined {
  if (operation.method === 'GET') {
    return undefined;
  }
  if (has(operation, 'streams')) {
    return 'bytes of an artifact';
  }
  if (isSpecial(operation, 'graphql')) {
    return JSON.stringify({
      query: '{mlflowGetExperiment(input:{experimentId:"7"}){experiment{name}}}',
    });
  }
  if (isSpecial(operation, 'otlp')) {
    return JSON.stringify({ resourceSpans: [] });
  }
  return JSON.stringify(body);
}
