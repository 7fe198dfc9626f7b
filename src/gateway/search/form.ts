import { parseLossless } from '../../mlflow/read/lossless.ts';
import { spellingOf } from '../../mlflow/read/spelling.ts';
import type { Exchange } from '../../mlflow/upstream/upstream.ts';

/** The parameters of a search, wherever its method keeps them. */
export interface SearchForm {
  get(name: string): unknown;
  /** All values of a parameter that may be repeated. */
  list(name: string): readonly unknown[];
  /** The search with some parameters changed; undefined takes one out, a list repeats it. */
  exchange(changes: Readonly<Record<string, unknown>>): Exchange;
}

/** Text as a filter of MLflow's takes it, unless something in it could reach around the quotes. */
export function quoted(text: string): string | undefined {
  return /^[\w .:@+/-]+$/.test(text) ? `'${text}'` : undefined;
}

/** The client's filter behind a clause of the gateway's own: put first, so that nothing in the other can reach around it. */
export function behind(clause: string, filter: unknown): string {
  return isFilter(filter) ? `${clause} AND ${filter}` : clause;
}

/** Whether a filter leaves anything out. */
export function isFilter(filter: unknown): filter is string {
  return typeof filter === 'string' && filter.trim() !== '';
}

/** Reads a search as its client wrote it. */
export function readForm(request: Exchange): SearchForm {
  return request.method === 'GET' ? readQuery(request) : readBody(request);
}

function readQuery(request: Exchange): SearchForm {
  const { target } = request;
  const mark = target.includes('?') ? target.indexOf('?') : target.length;
  const path = target.slice(0, mark);
  const params = new URLSearchParams(target.slice(mark + 1));
  return {
    get: (name) => params.get(name) ?? undefined,
    list: (name) => params.getAll(name),
    exchange(changes) {
      const changed = new URLSearchParams(params);
      for (const [name, value] of Object.entries(changes)) {
        changed.delete(name);
        for (const each of Array.isArray(value) ? value : value === undefined ? [] : [value]) {
          changed.append(name, String(each));
        }
      }
      return { ...request, target: `${path}?${changed}` };
    },
  };
}

function readBody(request: Exchange): SearchForm {
  const body = parseLossless(String(request.body ?? '') || '{}') as Record<string, unknown>;
  const keyOf = (name: string) => spellingOf(body, name) ?? name;
  return {
    get: (name) => body[keyOf(name)],
    list(name) {
      const value = body[keyOf(name)] ?? [];
      return Array.isArray(value) ? value : [value];
    },
    exchange(changes) {
      const changed = Object.entries(changes).map(([name, value]) => [keyOf(name), value]);
      return { ...request, body: JSON.stringify({ ...body, ...Object.fromEntries(changed) }) };
    },
  };
}
