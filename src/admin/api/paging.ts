import { z } from 'zod';
import { invalid } from '../../errors.ts';
import type { Call } from '../handler.ts';
import { integer } from './parameters.ts';

const DEFAULT_RESULTS = 100;
const MAX_RESULTS = 1000;

/** What a request asks for of a list that is answered a page at a time. */
export interface PageAsked {
  readonly max: number;
  /** The key of the row that the page before ended with; undefined for the first page. */
  readonly after: readonly (string | number)[] | undefined;
}

const tokenContent = z.array(z.union([z.string(), z.number().int()])).min(1);

/**
 * Reads `max_results` and `page_token`.
 *
 * @param keys - of what kind the parts of a row's key are, in their order.
 * @throws ApiError 400 for a number out of range, or a token that this list did not give.
 */
export function pageAskedIn({ query }: Call, ...keys: readonly ('string' | 'number')[]): PageAsked {
  const [asked] = query.get('max_results') ?? [];
  const max = asked === undefined ? DEFAULT_RESULTS : integer('max_results', asked);
  if (max < 1 || max > MAX_RESULTS) {
    throw invalid(`Invalid value for parameter 'max_results': it must be from 1 to ${MAX_RESULTS}.`);
  }
  const [token] = query.get('page_token') ?? [];
  return { max, after: token === undefined || token === '' ? undefined : readToken(token, keys) };
}

/** The page out of rows that were asked for with one more than fit on it, and the token of the next if there is one. */
export function pageOf<Row>(
  rows: readonly Row[],
  { max }: PageAsked,
  keyOf: (row: Row) => readonly (string | number)[],
): { readonly shown: readonly Row[]; readonly next: { readonly next_page_token?: string } } {
  const shown = rows.slice(0, max);
  const last = shown.at(-1);
  const isLast = rows.length <= max || last === undefined;
  return { shown, next: isLast ? {} : { next_page_token: writeToken(keyOf(last)) } };
}

const writeToken = (key: readonly (string | number)[]): string =>
  Buffer.from(JSON.stringify(key)).toString('base64url');

function readToken(token: string, keys: readonly string[]): readonly (string | number)[] {
  const parsed = tokenContent.safeParse(parseJson(Buffer.from(token, 'base64url').toString('utf8')));
  if (!parsed.success || parsed.data.map((part) => typeof part).join() !== keys.join()) {
    throw invalid("Invalid value for parameter 'page_token': it is of no page of this list.");
  }
  return parsed.data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
