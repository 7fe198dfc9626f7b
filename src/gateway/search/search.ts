import type { Answer, Upstream } from '../../mlflow/upstream/upstream.ts';
import type { Asked, Search } from './asked.ts';
import { quoted, readForm } from './form.ts';
import { fewOf } from './one-by-one.ts';
import { filtered, replaced, upstreamToken } from './page.ts';
import { badToken, FIRST_PLACE, placesOf } from './place.ts';
import { type Instead, readPages } from './read-pages.ts';
import type { Shown } from './shown.ts';

/** Characters of ids put into a filter: a query string has to fit into the upstream's 64 KiB. */
const LONGEST_CLAUSE = { GET: 6_000, POST: 200_000 } as const;

/**
 * More ids than this are put into a filter only once pages have been looked through for nothing: each id costs MLflow some
 * 0.06 ms to read, a row 0.06 (experiments) to 0.17 (models), and a search that is asked for nothing 10; measured with
 * 3.17.2.
 */
const MANY = 200;
/** Rows that cost the upstream about as much as an id in its filter. */
const ROWS_FOR_ID = 0.5;

/**
 * Runs a search on behalf of a caller who may see a part of what there is: rows are taken out, the page
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
  shown: Shown,
): Promise<Answer> {
  const form = readForm(search.request);
  const places = placesOf(search.tokens, search.identity);
  const token = String(form.get('page_token') ?? '');
  const place = token === '' ? FIRST_PLACE : places.open(token);
  if (shown.everything) {
    // Nothing is hidden: the upstream's own tokens will do, and one of ours from before that was so is translated.
    const isOurs = token !== '' && place !== undefined && !place.narrowed;
    const request = isOurs
      ? form.exchange({ page_token: upstreamToken(place.offset, { search, form }) })
      : search.request;
    return filtered(await upstream.exchange(request), search, shown);
  }
  if (place === undefined) {
    throw badToken();
  }
  const { largestPage, defaultPage = largestPage } = search.paging;
  const wanted = Math.min(sizeOf(form.get('max_results')) ?? defaultPage, largestPage);
  const asked: Asked = { upstream, search, shown, form, filter: form.get('filter'), places, place, wanted };
  for (const way of WAYS) {
    const answer = await way(asked);
    if (answer !== undefined) {
      return answer;
    }
  }
  throw new Error('unreachable: the last way always answers');
}

/** A way to a page; undefined leaves it to the next. */
type Way = (asked: Asked) => Promise<Answer | undefined>;

/** The ways to a page, in the order in which they are tried. */
const WAYS: readonly Way[] = [refusedSize, nothing, bySelector, byClause, oneByOne, amongAll];

/** Leaves a page size that the upstream may refuse to the upstream. */
async function refusedSize({ upstream, search: { paging }, form }: Asked): Promise<Answer | undefined> {
  const given = form.get('max_results') ?? '';
  const size = given === '' ? paging.defaultPage : sizeOf(given);
  if (size !== undefined && size <= paging.largestPage) {
    return undefined;
  }
  const answer = await upstream.exchange(form.exchange({ page_token: undefined }));
  return answer.status === 200 ? undefined : answer;
}

/** Nothing may be shown. Asked all the same, for one row: what is wrong with the search is the upstream's to say. */
async function nothing({ upstream, search, shown, form }: Asked): Promise<Answer | undefined> {
  if (shown.only?.length !== 0) {
    return undefined;
  }
  const answer = await upstream.exchange(form.exchange({ max_results: 1, page_token: undefined }));
  return answer.status === 200 ? replaced(answer, search, [], undefined) : answer;
}

/** The upstream is told in a parameter of its own which rows may be shown: of those that the client asks for, if it does. */
async function bySelector(asked: Asked): Promise<Answer | undefined> {
  const { search, shown, form } = asked;
  const { selector } = search.paging;
  if (!isFree(asked) || selector === undefined || shown.only === undefined) {
    return undefined;
  }
  const chosen = form.list(selector);
  const only = chosen.length === 0 ? shown.only : shown.only.filter((id) => chosen.includes(id));
  if (only.length === 0) {
    return nothing({ ...asked, shown: { ...shown, only } });
  }
  if (only.join().length > LONGEST_CLAUSE.GET) {
    return undefined;
  }
  const answer = await readPages(asked, { selected: { by: selector, ids: only } });
  return answer.status === 200 || asked.place.narrowed ? answer : undefined;
}

/** The upstream is told in the filter which rows may be shown, unless those are many. */
async function byClause(asked: Asked): Promise<Answer | undefined> {
  const clause = mayBeAmongAll(asked) ? undefined : await clauseFor(asked);
  if (clause === undefined) {
    return undefined;
  }
  const answer = await readPages(asked, { clause });
  // Perhaps the client's filter is wrong, perhaps it does not go with ours: asked again as the client wrote it.
  return answer.status === 200 || asked.place.narrowed ? answer : undefined;
}

/** Each of a few is asked for, where the list is known to be much longer. */
async function oneByOne(asked: Asked): Promise<Answer | undefined> {
  const { place, search } = asked;
  const few = await fewInstead(asked);
  if (place.narrowed) {
    const answer = await few?.answer();
    // An offset among the caller's own rows must not become one among everybody's.
    if (answer === undefined) {
      throw badToken();
    }
    return answer;
  }
  return few !== undefined && search.extent.atLeast > few.after ? few.answer() : undefined;
}

/** All rows are looked through. Where there turn out to be more than expected, those that may be shown are asked for after all. */
async function amongAll(asked: Asked): Promise<Answer> {
  const instead = (await clauseInstead(asked)) ?? (await fewInstead(asked));
  return readPages(asked, instead === undefined ? {} : { instead });
}

/** A page that goes on among everybody's rows can only be read among them. */
function isFree({ place }: Asked): boolean {
  return place === FIRST_PLACE || place.narrowed;
}

/** Whether so much may be shown that it is likely to be met soon among all rows. */
function mayBeAmongAll({ place, shown }: Asked): boolean {
  return !place.narrowed && (shown.only?.length ?? 0) > MANY;
}

/** The filter that names very many, for when they are few among all for all that; from the same row on. */
async function clauseInstead(asked: Asked): Promise<Instead | undefined> {
  const { place, shown } = asked;
  const clause = mayBeAmongAll(asked) ? await clauseOf(asked) : undefined;
  if (clause === undefined) {
    return undefined;
  }
  return {
    after: (shown.only?.length ?? 0) * ROWS_FOR_ID,
    answer: async () => {
      const narrowed = { ...place, offset: place.shown, narrowed: true };
      const answer = await readPages({ ...asked, place: narrowed }, { clause });
      return answer.status === 200 ? answer : undefined;
    },
  };
}

async function fewInstead(asked: Asked): Promise<Instead | undefined> {
  const few = isFree(asked) ? fewOf(asked) : undefined;
  return few !== undefined && (await clauseOf(asked)) === undefined ? few : undefined;
}

/** A filter that the upstream can apply itself, for a page that may be counted among what it leaves. */
async function clauseFor(asked: Asked): Promise<string | undefined> {
  return isFree(asked) ? clauseOf(asked) : undefined;
}

async function clauseOf({ search, shown }: Asked): Promise<string | undefined> {
  const { pushDown } = search.paging;
  const ids = shown.only?.map(quoted);
  if (pushDown === undefined || ids === undefined || ids.includes(undefined)) {
    return undefined;
  }
  const clause = `${pushDown} IN (${ids.join(',')})`;
  const longest = search.request.method === 'GET' ? LONGEST_CLAUSE.GET : LONGEST_CLAUSE.POST;
  return clause.length <= longest && (await search.pushesDown()) ? clause : undefined;
}

/** A page size as clients write it: a number, or a string of digits. */
function sizeOf(value: unknown): number | undefined {
  const size = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value;
  return typeof size === 'number' && Number.isSafeInteger(size) && size > 0 ? size : undefined;
}
