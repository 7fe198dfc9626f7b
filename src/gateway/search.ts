import { invalid } from '../errors.ts';
import { joinId } from '../mlflow/identifiers.ts';
import { parseLossless } from '../mlflow/read/lossless.ts';
import type { Paging } from '../mlflow/row.ts';
import type { Answer, Exchange, Upstream } from '../mlflow/upstream.ts';
import { spellingOf } from './narrow.ts';
import type { PageTokens } from './page-token.ts';

/** What a search may show to one caller. */
export interface Visibility {
  /** Whether a row with this id may be shown. */
  readonly mayRead: (id: string, row?: Readonly<Record<string, unknown>>) => boolean;
  /** All ids that may be shown, if they can be listed at all. */
  readonly only: readonly string[] | undefined;
  /** Nothing would be taken out of any page. */
  readonly everything: boolean;
}

export interface Search {
  /** The request as the client sent it, ready to be forwarded. */
  readonly request: Exchange;
  readonly list: string;
  readonly id: string;
  readonly paging: Paging;
  /** Whether this version of the upstream takes `column IN (…)` in a filter. */
  readonly pushesDown: () => Promise<boolean>;
  /** Whoever asks: nobody else can go on with the page tokens. */
  readonly userId: number;
  readonly tokens: PageTokens;
}

type Row = Record<string, unknown>;
type Page = Record<string, unknown> & { readonly next_page_token?: unknown };

/** Pages read for one request before it is answered with what there is and a token to go on. */
const MOST_PAGES = 60;
/** The first page asked for when rows will be taken out; each further one is larger. */
const FIRST_PAGE = 1000;
const GROWTH = 4;
/** Characters of ids put into a filter: a query string has to fit into the upstream's 64 KiB. */
const LONGEST_CLAUSE = { GET: 6_000, POST: 200_000 } as const;

/**
 * Runs a search on behalf of somebody who may see a part of what there is: rows are taken out, the page
 * is filled from the next ones, and the token goes on where the page ended.
 *
 * MLflow's tokens are base64 of `{"offset": n}`, so one for any row can be made; the client gets its own kind of
 * token, see {@link PageTokens}.
 *
 * @returns the upstream's answer, with its body replaced if it was a page.
 * @throws ApiError 400 for a page token that is not of this search.
 */
export async function searchVisible(
  upstream: Pick<Upstream, 'exchange'>,
  search: Search,
  visibility: Visibility,
): Promise<Answer> {
  const form = readForm(search.request);
  const { paging } = search;
  const places = placesOf(search, form.identity());
  const sent = form.get('page_token') ?? '';
  const place = sent === '' ? FIRST_PLACE : places.open(String(sent));
  const startAt = (offset: number) =>
    form.set('page_token', offset === 0 ? undefined : upstreamToken(offset));

  if (visibility.everything) {
    // Nothing is hidden: the upstream's own tokens will do, and one of ours from before that was so is translated.
    const own = sent !== '' && place !== undefined && !place.narrowed;
    if (own) startAt(place.offset);
    return filterOnly(await upstream.exchange(own ? form.exchange() : search.request), search, visibility);
  }
  if (place === undefined) throw badToken();
  const wanted = sizeOf(form.get('max_results')) ?? paging.defaultPage;
  if (wanted === undefined || wanted > paging.largestPage) {
    // A size that is the upstream's to refuse; should it take it, the page is its own.
    startAt(place.offset);
    const answer = await upstream.exchange(form.exchange());
    if (answer.status !== 200) return answer;
    const page = parsePage(answer);
    const next = offsetOf(page.next_page_token);
    const rows = rowsOf(page, search.list).filter((row) => visibility.mayRead(idOf(row, search.id), row));
    return replaced(answer, search, rows, next === undefined ? undefined : places.seal(next, false));
  }
  if (visibility.only?.length === 0) {
    // Asked all the same, for one row: what is wrong with the search is the upstream's to say.
    form.set('max_results', 1);
    startAt(0);
    const answer = await upstream.exchange(form.exchange());
    return answer.status === 200 ? replaced(answer, search, [], undefined) : answer;
  }
  const filter = form.get('filter');
  const started = sent !== '';
  let clause = started && !place.narrowed ? undefined : await clauseFor(search, visibility);
  // An offset among the caller's own rows must not become one among everybody's.
  if (place.narrowed && clause === undefined) throw badToken();
  if (clause !== undefined) {
    form.set(
      'filter',
      typeof filter === 'string' && filter.trim() !== '' ? `${clause} AND ${filter}` : clause,
    );
  }

  const shown: Row[] = [];
  let { offset } = place;
  let size = clause === undefined ? Math.max(wanted, FIRST_PAGE) : wanted;
  for (let pages = 0; pages < MOST_PAGES; pages++) {
    size = Math.min(size, paging.largestPage);
    form.set('max_results', size);
    startAt(offset);
    const answer = await upstream.exchange(form.exchange());
    if (answer.status !== 200 && clause !== undefined && offset === 0) {
      // Perhaps the client's filter is wrong, perhaps it does not go with ours: asked again as the client wrote it.
      clause = undefined;
      form.set('filter', typeof filter === 'string' ? filter : undefined);
      size = Math.max(wanted, FIRST_PAGE);
      continue;
    }
    if (answer.status !== 200) return answer;
    const page = parsePage(answer);
    const rows = rowsOf(page, search.list);
    for (const [index, row] of rows.entries()) {
      if (!visibility.mayRead(idOf(row, search.id), row)) continue;
      if (shown.length === wanted)
        return replaced(answer, search, shown, places.seal(offset + index, clause !== undefined));
      shown.push(row);
    }
    offset += rows.length;
    const more = typeof page.next_page_token === 'string' && page.next_page_token !== '' && rows.length > 0;
    if (!more) return replaced(answer, search, shown, undefined);
    if (shown.length === wanted || pages === MOST_PAGES - 1) {
      return replaced(answer, search, shown, places.seal(offset, clause !== undefined));
    }
    size *= GROWTH;
  }
  throw new Error('unreachable: the loop above answers');
}

/** Where a page begins. */
interface PagePlace {
  readonly offset: number;
  /** Counted among the rows that the caller may read, by our own clause in the filter, not among all. */
  readonly narrowed: boolean;
}

const FIRST_PLACE: PagePlace = { offset: 0, narrowed: false };

/** The page tokens of one search by one user. */
function placesOf({ tokens, userId }: Search, identity: string) {
  const searchOf = (narrowed: boolean) => `${userId} ${narrowed ? 'narrowed' : 'whole'} ${identity}`;
  return {
    seal: (offset: number, narrowed: boolean) => tokens.seal(offset, searchOf(narrowed)),
    open(token: string): PagePlace | undefined {
      for (const narrowed of [true, false]) {
        const offset = tokens.open(token, searchOf(narrowed));
        if (offset !== undefined) return { offset, narrowed };
      }
      return undefined;
    },
  };
}

function badToken() {
  return invalid('Invalid page token. Send the one of the last page with the same search, or start again.');
}

/** Takes rows out of one answer without paging on. */
export function filterOnly(
  answer: Answer,
  search: Pick<Search, 'list' | 'id'>,
  visibility: Pick<Visibility, 'mayRead'>,
): Answer {
  if (answer.status !== 200) return answer;
  const page = parsePage(answer);
  if (!Array.isArray(page[search.list])) return answer;
  const rows = rowsOf(page, search.list).filter((row) => visibility.mayRead(idOf(row, search.id), row));
  return withBody(answer, { ...page, [search.list]: rows });
}

/** An answer with another JSON body. */
export function withBody(answer: Answer, body: unknown): Answer {
  return { ...answer, bytes: Buffer.from(JSON.stringify(body)) };
}

function replaced(
  answer: Answer,
  { list, paging }: Pick<Search, 'list' | 'paging'>,
  rows: readonly Row[],
  token: string | undefined,
): Answer {
  return withBody(answer, {
    ...((rows.length > 0 || paging.alwaysListed) && { [list]: rows }),
    ...(token !== undefined && { next_page_token: token }),
  });
}

function parsePage(answer: Answer): Page {
  const page = parseLossless(answer.bytes.toString('utf8'));
  return typeof page === 'object' && page !== null ? (page as Page) : {};
}

function rowsOf(page: Page, list: string): readonly Row[] {
  const rows = page[list];
  return Array.isArray(rows) ? (rows as Row[]) : [];
}

/** The id of a row: one column, or two joined. */
function idOf(row: Row, column: string): string {
  const [first = '', second] = column.split('/');
  return second === undefined ? String(row[first]) : joinId(String(row[first]), String(row[second]));
}

/** A filter that the upstream can apply itself, put first so that nothing in the client's own can reach around it. */
async function clauseFor(search: Search, visibility: Visibility): Promise<string | undefined> {
  const { pushDown } = search.paging;
  const { only } = visibility;
  if (pushDown === undefined || only === undefined || only.some((id) => !/^[\w .:@+/-]+$/.test(id)))
    return undefined;
  const clause = `${pushDown} IN (${only.map((id) => `'${id}'`).join(',')})`;
  const longest = search.request.method === 'GET' ? LONGEST_CLAUSE.GET : LONGEST_CLAUSE.POST;
  if (clause.length > longest || !(await search.pushesDown())) return undefined;
  return clause;
}

interface Form {
  get(name: string): unknown;
  set(name: string, value: string | number | undefined): void;
  exchange(): Exchange;
  /** What is searched for: all of it but the page, in one order. To be asked for before anything is set. */
  identity(): string;
}

/** Parameters that may differ from page to page of one search. */
const PAGING_PARAMETERS = ['page_token', 'max_results'] as const;

/** The parameters of a search, wherever its method keeps them. */
function readForm(request: Exchange): Form {
  if (request.method === 'GET') {
    const { target } = request;
    const mark = target.includes('?') ? target.indexOf('?') : target.length;
    const path = target.slice(0, mark);
    const params = new URLSearchParams(target.slice(mark + 1));
    return {
      get: (name) => params.get(name) ?? undefined,
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
  const body = parseLossless(String(request.body ?? '') || '{}') as Record<string, unknown>;
  const keyOf = (name: string) => spellingOf(body, name) ?? name;
  return {
    get: (name) => body[keyOf(name)],
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

/** A page size as clients write it: a number, or a string of digits. */
function sizeOf(value: unknown): number | undefined {
  const size = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value;
  return typeof size === 'number' && Number.isSafeInteger(size) && size > 0 ? size : undefined;
}

/** A token as MLflow makes it. */
function upstreamToken(offset: number): string {
  return Buffer.from(JSON.stringify({ offset })).toString('base64');
}

/** The offset in a token that MLflow made. */
function offsetOf(token: unknown): number | undefined {
  if (typeof token !== 'string' || token === '') return undefined;
  try {
    const { offset } = JSON.parse(Buffer.from(token, 'base64').toString('utf8')) as { offset?: unknown };
    return typeof offset === 'number' ? offset : undefined;
  } catch {
    return undefined;
  }
}
