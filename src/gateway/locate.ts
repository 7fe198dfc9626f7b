import type { IncomingHttpHeaders } from 'node:http';
import { invalid } from '../errors.ts';
import { isCanonical } from '../mlflow/identifiers.ts';
import type { From, Locator, ReferenceKind } from '../mlflow/row.ts';
import type { Action } from '../policy/permissions.ts';
import type { Way } from './way.ts';

/** One thing that a request touches, and what is to be done to it. */
export interface Reference {
  readonly kind: ReferenceKind;
  readonly id: string;
  readonly action: Action;
  readonly fresh: boolean;
}

type Readable = Pick<Way, 'params' | 'query' | 'body'> & { readonly headers: IncomingHttpHeaders };

/**
 * Finds what a request touches, in the words of its row.
 *
 * @throws ApiError 400 if something is missing, named twice differently, or not written as MLflow writes it.
 */
export function locate(locators: readonly Locator[], action: Action, request: Readable): Reference[] {
  return locators.flatMap((locator) => {
    const ids = idsOf(locator, request);
    if (ids.length === 0 && !locator.optional) throw missing(locator.from[0]);
    return ids.map((id) => ({
      kind: locator.kind,
      id,
      action: locator.action ?? action,
      fresh: locator.fresh !== undefined,
    }));
  });
}

function idsOf(locator: Locator, request: Readable): readonly string[] {
  const found = new Set<string>();
  let lists = false;
  for (const from of locator.from) {
    lists ||= from.includes('[]');
    for (const value of valuesAt(from, request)) {
      if (value === undefined || value === null || value === '') continue;
      if (typeof value !== 'string') throw invalid(`Parameter '${nameOf(from)}' must be a string.`);
      if (!isCanonical(locator.kind, value, locator.loose)) {
        throw invalid(`Parameter '${nameOf(from)}' is not a valid ${locator.kind.replaceAll('_', ' ')} id.`);
      }
      found.add(value);
    }
  }
  if (found.size > 1 && !lists) {
    throw invalid(
      `${locator.from.map((from) => `'${nameOf(from)}'`).join(' and ')} must be the same. Send one.`,
    );
  }
  return [...found];
}

/** Every value that stands at a place of the request; empty if none does. */
export function valuesAt(from: From, request: Readable): readonly unknown[] {
  const dot = from.indexOf('.');
  const path = from.slice(dot + 1);
  switch (from.slice(0, dot)) {
    case 'path':
      return [pathValue(path, request.params)];
    case 'query': {
      const values = request.query.get(path.replace('[]', ''));
      return values ?? [];
    }
    case 'header':
      return [request.headers[path]];
    default:
      return walk(request.body, path.split('.'));
  }
}

/** `name`, or `namespace/slug` for a name that takes two segments. */
function pathValue(path: string, params: Readonly<Record<string, string>>): string | undefined {
  const parts = path.split('/').map((name) => params[name]);
  return parts.includes(undefined) ? undefined : parts.join('/');
}

function walk(value: unknown, path: readonly string[]): readonly unknown[] {
  const [step, ...rest] = path;
  if (step === undefined) return [value];
  if (typeof value !== 'object' || value === null) return [];
  const list = step.endsWith('[]');
  const next = (value as Record<string, unknown>)[list ? step.slice(0, -2) : step];
  if (next === undefined || next === null) return [];
  if (!list) return walk(next, rest);
  if (!Array.isArray(next)) throw invalid(`Parameter '${step.slice(0, -2)}' must be a list.`);
  return next.flatMap((item) => walk(item, rest));
}

/** A place as a client would name it. */
export function nameOf(from: From | undefined): string {
  return from?.slice(from.indexOf('.') + 1).replaceAll('[]', '') ?? '';
}

function missing(from: From | undefined) {
  return invalid(
    `Missing value for required parameter '${nameOf(from)}'. ` +
      'See the API docs for more information about request parameters.',
  );
}
