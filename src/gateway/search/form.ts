import { parseLossless } from '../../mlflow/read/lossless.ts';
import { spellingOf } from '../../mlflow/read/spelling.ts';
import type { Exchange } from '../../mlflow/upstream/upstream.ts';

/** The parameters of a search, wherever its method keeps them. */
export interface SearchForm {
  get(name: string): unknown;
  /** All values of a parameter that may be repeated. */
  list(name: string): readonly unknown[];
  /** Undefined takes it out. */
  set(name: string, value: unknown): void;
  exchange(): Exchange;
  /** What is searched for: all of it but the page, in one order. To be asked for before anything is set. */
  identity(): string;
}

/** Text as a filter of MLflow's takes it, unless something in it could reach around the quotes. */
export function quoted(text: string): string | undefined {
  return /^[\w .:@+/-]+$/.test(text) ? `'${text}'` : undefined;
}

/** The client's filter behind a clause of the gateway's own: put first, so that nothing in the other can reach around it. */
export function behind(clause: string, filter: unknown): string {
  return typeof filter === 'string' && filter.trim() !== '' ? `${clause} AND ${filter}` : clause;
}

/** Parameters that may differ from page to page of one search. */
const PAGING_PARAMETERS = ['page_token', 'max_results'] as const;

/** Reads a search as its client wrote it; what is set changes this form alone. */
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
    set: (name, value) => (value === undefined ? params.delete(name) : params.set(name, String(value))),
    exchange: () => ({ ...request, target: `${path}?${params}` }),
    identity: () => {
      const rest = new URLSearchParams(params);
      for (const name of PAGING_PARAMETERS) rest.delete(name);
      // Keeps the order of those with one name, as `order_by` needs it.
      rest.sort();
      return `${path}?${rest}`;
    },
  };
}

function readBody(request: Exchange): SearchForm {
  const body = parseLossless(String(request.body ?? '') || '{}') as Record<string, unknown>;
  const keyOf = (name: string) => spellingOf(body, name) ?? name;
  return {
    get: (name) => body[keyOf(name)],
    list: (name) => {
      const value = body[keyOf(name)] ?? [];
      return Array.isArray(value) ? value : [value];
    },
    set: (name, value) => {
      body[keyOf(name)] = value;
    },
    exchange: () => ({ ...request, body: JSON.stringify(body) }),
    identity: () => {
      const paging = new Set<string>(PAGING_PARAMETERS.map(keyOf));
      const rest = Object.entries(body).filter(([key]) => !paging.has(key));
      return `${request.target} ${JSON.stringify(rest.sort(([a], [b]) => (a < b ? -1 : 1)))}`;
    },
  };
}
