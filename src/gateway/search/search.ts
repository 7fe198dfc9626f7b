import { invalid } from '../../errors.ts';
import {
  type JsonObject as Row,
  readAnswerExactly,
  rowsIn,
  withBody,
} from '../../mlflow/upstream/answer-json.ts';
import type { Answer, Upstream } from '../../mlflow/upstream/upstream.ts';
import type { Visibility } from '../judge/visibility.ts';
import type { Search } from './asked.ts';
import { behind, quoted, readForm, type SearchForm } from './form.ts';
import { gatherer } from './one-by-one.ts';
import { idOf, upstreamToken } from './page.ts';
import type { NextPage, PagePlace, PageTokens } from './page-token.ts';

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
  const startAt = (offset: number) => form.set('page_token', upstreamToken(offset));

  if (visibility.everything) {
    // Nothing is hidden: the upstream's own tokens will do, and one of ours from before that was so is translated.
    const own = sent !== '' && place !== undefined && !place.narrowed;
    if (own) startAt(place.offset);
    return filterOnly(await upstream.exchange(own ? form.exchange() : search.request), search, visibility);
  }
  if (place === undefined) throw badToken();
  const asked = sizeOf(form.get('max_results')) ?? paging.defaultPage;
  if (asked === undefined || asked > paging.largestPage) {
    // A size that is the upstream's to refuse.
    startAt(0);
    const answer = await upstream.exchange(form.exchange());
    if (answer.status !== 200) return answer;
  }
  const wanted = Math.min(asked ?? paging.largestPage, paging.largestPage);
  const mayShow = (row: Row) => visibility.mayRead(idOf(row, search.id), row);
  if (visibility.only?.length === 0) {
    // Asked all the same, for one row: what is wrong with the search is the upstream's to say.
    form.set('max_results', 1);
    startAt(0);
    const answer = await upstream.exchange(form.exchange());
    return answer.status === 200 ? replaced(answer, search, [], undefined) : answer;
  }
  // A page that goes on among everybody's rows can only be read among them.
  const free = sent === '' || place.narrowed;
  const clause = free ? await clauseFor(search, visibility) : undefined;
  const few = free && clause === undefined ? fewOf(upstream, search, visibility, mayShow) : undefined;
  const reading: Reading = { upstream, search, form, filter: form.get('filter'), places, wanted, mayShow };
  const gathered = async (): Promise<Answer | undefined> => {
    const { rows, answer } = (await few?.gather(place.shown + wanted + 1)) ?? {};
    // What is wrong with a search is said in answer to the search itself.
    if (answer === undefined || rows === undefined) return place.narrowed ? answer : undefined;
    return pageOf(reading, place, rows, answer);
  };
  if (place.narrowed || (few !== undefined && search.extent.atLeast > few.worth)) {
    const answer = await gathered();
    if (answer !== undefined) return answer;
  }
  // An offset among the caller's own rows must not become one among everybody's.
  if (place.narrowed && clause === undefined) throw badToken();
  return readPages(reading, place, { clause, instead: few && { after: few.worth, answer: gathered } });
}

/** What all pages of one search have in common. */
interface Reading {
  readonly upstream: Pick<Upstream, 'exchange'>;
  readonly search: Search;
  readonly form: SearchForm;
  /** As the client wrote it. */
  readonly filter: unknown;
  readonly places: ReturnType<typeof placesOf>;
  /** Rows of the page that the client asked for. */
  readonly wanted: number;
  readonly mayShow: (row: Row) => boolean;
}

interface Manner {
  /** Put into the filter, so that few rows or none have to be taken out. */
  readonly clause: string | undefined;
  /** Another way to the same answer, worth trying when the list goes on behind that many rows. */
  readonly instead:
    | { readonly after: number; readonly answer: () => Promise<Answer | undefined> }
    | undefined;
}

/** The page that begins at a place among all rows that the caller may read. */
function pageOf(
  { search, places, wanted }: Reading,
  { shown, beginsWith }: PagePlace,
  rows: readonly Row[],
  answer: Answer,
): Answer {
  const found = beginsWith === undefined ? -1 : rows.findIndex((row) => beginsWith(keyOf(row, search)));
  const start = found === -1 ? shown : found;
  const end = start + wanted;
  const next = rows[end];
  const token = next && places.seal({ offset: end, shown: shown + wanted, key: keyOf(next, search) }, true);
  return replaced(answer, search, rows.slice(start, end), token);
}

/** Reads the upstream's pages and takes rows out until the client's page is full. */
async function readPages(reading: Reading, place: SearchPlace, manner: Manner): Promise<Answer> {
  for (const beginning of beginningsOf(place)) {
    const answer = await readFrom(reading, place, beginning, manner);
    if (answer !== undefined) return answer;
  }
  throw new Error('unreachable: the last beginning always answers');
}

/** The same from one place; undefined if the page does not begin there. */
async function readFrom(
  reading: Reading,
  place: SearchPlace,
  { from, begins, atOnce, orNowhere }: Beginning,
  { clause, instead }: Manner,
): Promise<Answer | undefined> {
  const { upstream, search, form, filter, places, wanted, mayShow } = reading;
  const { paging, extent } = search;
  const filtered = typeof filter === 'string' && filter.trim() !== '';
  form.set('filter', clause === undefined ? filter : behind(clause, filter));

  const shown: Row[] = [];
  let offset = from;
  let begun = begins === undefined;
  let passed = 0;
  // One more than is shown: whether there is a next page must not be known by rows that are hidden.
  const large = Math.max(wanted + 1, FIRST_PAGE);
  let size = clause === undefined ? (instead?.after ?? large) : wanted + 1;
  for (let pages = 0; pages < MOST_PAGES; pages++) {
    size = Math.min(size, paging.largestPage);
    form.set('max_results', size);
    form.set('page_token', upstreamToken(offset));
    const answer = await upstream.exchange(form.exchange());
    if (answer.status !== 200 && clause !== undefined && offset === 0) {
      // Perhaps the client's filter is wrong, perhaps it does not go with ours: asked again as the client wrote it.
      return readPages(reading, place, { clause: undefined, instead: undefined });
    }
    if (answer.status !== 200) return answer;
    const { [search.list]: list, next_page_token } = readAnswerExactly(answer);
    const rows = rowsIn(list);
    const more = typeof next_page_token === 'string' && next_page_token !== '' && rows.length > 0;
    if (more && instead !== undefined) {
      if (!filtered) extent.atLeast = Math.max(extent.atLeast, offset + rows.length + 1);
      const other = pages === 0 ? await instead.answer() : undefined;
      if (other !== undefined) return other;
    }
    const ending = (at: number, key?: string) =>
      places.seal({ offset: at, shown: place.shown + shown.length, key }, clause !== undefined);
    for (const [index, row] of rows.entries()) {
      if (!mayShow(row)) continue;
      const key = keyOf(row, search);
      begun ||= begins?.(key, passed) ?? true;
      passed += 1;
      if (!begun && atOnce) return undefined;
      if (!begun) continue;
      if (shown.length === wanted) return replaced(answer, search, shown, ending(offset + index, key));
      shown.push(row);
    }
    offset += rows.length;
    if (!more || pages === MOST_PAGES - 1) {
      if (begun) return replaced(answer, search, shown, more ? ending(offset) : undefined);
      return orNowhere ? replaced(answer, search, [], undefined) : undefined;
    }
    size = pages === 0 && instead !== undefined ? large : size * GROWTH;
  }
  throw new Error('unreachable: the loop above answers');
}

/** What tells a row from others of its list. */
const keyOf = (row: Row, { paging, id }: Search): string => idOf(row, paging.row ?? id);

/** The other way to few rows among many: asking for each. */
function fewOf(
  upstream: Pick<Upstream, 'exchange'>,
  search: Search,
  { only = [] }: Visibility,
  mayShow: (row: Row) => boolean,
) {
  const gather = gatherer(upstream, search, only, mayShow);
  // Who has read as many rows in vain as that costs has spent twice of what was needed, never more.
  return gather && { gather, worth: only.length * (search.paging.oneByOne?.worth ?? 0) };
}

/** Where a page begins. */
interface SearchPlace extends PagePlace {
  /** Counted among the rows that the caller may read, by our own clause in the filter, not among all. */
  readonly narrowed: boolean;
}

const FIRST_PLACE: SearchPlace = { offset: 0, shown: 0, beginsWith: undefined, narrowed: false };

/** How to find the row that a page begins with. */
interface Beginning {
  /** The offset from which it is looked for. */
  readonly from: number;
  /** Tells the row, by its key and by how many readable ones have gone by; the first of all if left out. */
  readonly begins?: (key: string, passed: number) => boolean;
  /** It is the first readable one, or not found. */
  readonly atOnce?: true;
  /** Nothing is left if it is not found. */
  readonly orNowhere?: true;
}

/**
 * Where to look for the beginning of a page, one after the other.
 *
 * An offset counts hidden rows. If a page simply began there, somebody who moves rows of their own about under a
 * token, by renaming or creating some, could read off them how many hidden ones there are. So it is but the place to
 * look first: a page begins with the row that it would have begun with, wherever that is now, and if that is gone,
 * after as many readable rows as were shown. Neither depends on what is hidden.
 */
function beginningsOf({ offset, shown, beginsWith }: SearchPlace): readonly Beginning[] {
  if (beginsWith === undefined) return [{ from: offset }];
  return [
    { from: offset, begins: beginsWith, atOnce: true },
    { from: 0, begins: beginsWith },
    { from: 0, begins: (_, passed) => passed === shown, orNowhere: true },
  ];
}

/** The page tokens of one search by one user. */
function placesOf({ tokens, userId }: Search, identity: string) {
  const searchOf = (narrowed: boolean) => `${userId} ${narrowed ? 'narrowed' : 'whole'} ${identity}`;
  return {
    seal: (next: NextPage, narrowed: boolean) => tokens.seal(next, searchOf(narrowed)),
    open(token: string): SearchPlace | undefined {
      for (const narrowed of [true, false]) {
        const place = tokens.open(token, searchOf(narrowed));
        if (place !== undefined) return { ...place, narrowed };
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
  const page = readAnswerExactly(answer);
  const list = page[search.list];
  if (list === undefined) {
    return answer;
  }
  const rows = rowsIn(list).filter((row) => visibility.mayRead(idOf(row, search.id), row));
  return withBody(answer, { ...page, [search.list]: rows });
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

/** A filter that the upstream can apply itself. */
async function clauseFor(search: Search, visibility: Visibility): Promise<string | undefined> {
  const { pushDown } = search.paging;
  const { only } = visibility;
  const ids = only?.map(quoted);
  if (pushDown === undefined || ids === undefined || ids.includes(undefined)) return undefined;
  const clause = `${pushDown} IN (${ids.join(',')})`;
  const longest = search.request.method === 'GET' ? LONGEST_CLAUSE.GET : LONGEST_CLAUSE.POST;
  if (clause.length > longest || !(await search.pushesDown())) return undefined;
  return clause;
}

/** A page size as clients write it: a number, or a string of digits. */
function sizeOf(value: unknown): number | undefined {
  const size = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value;
  return typeof size === 'number' && Number.isSafeInteger(size) && size > 0 ? size : undefined;
}
