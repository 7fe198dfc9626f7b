import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import { invalid, missingParameter } from '../errors.ts';
import type { Principal, SignedIn } from '../identity/principal.ts';

/** What a handler of the gateway's own gets: the request as read, already authorised by its row. */
export interface Call {
  readonly principal: Principal;
  readonly params: Readonly<Record<string, string>>;
  readonly query: ReadonlyMap<string, readonly string[]>;
  readonly body: Readonly<Record<string, unknown>>;
  /** The canonical path, where the prefix makes a difference: `/ajax-api` is what MLflow's UI calls. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
}

/** An answer that is a page for people. */
export class Page {
  readonly html: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(html: string, headers: Readonly<Record<string, string>> = {}) {
    this.html = html;
    this.headers = {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy':
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
      'cache-control': 'no-store',
      ...headers,
    };
  }
}

/** Answers an operation that is the gateway's own with the JSON body of its reply, or with a page. */
export type Handler = (call: Call) => unknown;
export type Handlers = Readonly<Record<string, Handler>>;

/**
 * Reads parameters from a body.
 *
 * @throws ApiError 400 that names the first parameter that is missing or of another type, in MLflow's words.
 */
export function bodyOf<Shape extends z.ZodRawShape>(call: Call, shape: Shape): z.infer<z.ZodObject<Shape>> {
  return parse(z.object(shape), call.body);
}

/** The same for parameters in the query: all of them strings. */
export function queryOf<Shape extends z.ZodRawShape>(call: Call, shape: Shape): z.infer<z.ZodObject<Shape>> {
  return parse(z.object(shape), Object.fromEntries([...call.query].map(([name, [value]]) => [name, value])));
}

function parse<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  value: unknown,
): z.infer<z.ZodObject<Shape>> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const name = issue?.path.join('.') ?? '';
  const given =
    typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
  if (given === undefined || given === null) {
    throw missingParameter(name);
  }
  throw invalid(`Invalid value for parameter '${name}': ${issue?.message ?? 'it cannot be read'}.`);
}

/** A parameter that must be a string with something in it. */
export const text = z.string({ error: 'it must be a string' }).min(1, 'it must not be empty');

/** The caller of an operation that no anonymous one reaches. */
export function callerOf(call: Call): SignedIn {
  if (call.principal.kind !== 'user') throw new Error('the row of this handler lets anonymous callers in');
  return call.principal;
}
