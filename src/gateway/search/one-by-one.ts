import { isObject } from '../../mlflow/read/json.ts';
import type { OneByOne } from '../../mlflow/table/row.ts';
import { comparatorOf } from '../../mlflow/table/search-order.ts';
import { type JsonObject as Row, readAnswerExactly } from '../../mlflow/upstream/answer-json.ts';
import type { Answer, Exchange } from '../../mlflow/upstream/upstream.ts';
import type { Asked } from './asked.ts';
import { behind, isFilter, quoted } from './form.ts';
import { keyOf, readPage, replaced, upstreamToken } from './page.ts';
import type { Instead } from './read-pages.ts';
import { idOf } from './row-id.ts';
import { shownAmong } from './shown.ts';

/** Up to so many rows are asked for one by one; more are looked for in pages. */
const MOST = 200;
/** How many rows are asked for at the same time: MLflow answers few requests at once, and other callers wait too. */
const AT_ONCE = 4;

/** What was found of one thing, or of all. */
interface Found {
  /** The rows, in the order of the search; left out if the upstream refused to be asked. */
  readonly rows?: readonly Row[];
  /** An answer of the upstream's: one with status 200, or its refusal; left out for a thing that is not there. */
  readonly answer?: Answer;
}

/** A search whose rows can be gathered. */
interface Gathering {
  readonly asked: Asked;
  readonly oneByOne: OneByOne;
  readonly ids: readonly string[];
  readonly compare: (a: Row, b: Row) => number;
  /** The life cycle stages that the search shows. */
  readonly stages: readonly string[];
}

/**
 * The few rows that a caller may read, found by asking for each: where the upstream cannot be told a list of ids,
 * five of 20,000 would otherwise be looked for in all of them.
 *
 * @returns undefined if these ids, or this order, are not to be gathered so.
 */
export function fewOf(asked: Asked): Instead | undefined {
  const gathering = gatheringOf(asked);
  if (gathering === undefined) {
    return undefined;
  }
  return {
    // A search first reads pages, until they have cost as much as asking for each row does. If asking is then cheaper,
    // the search costs twice what it had to, and never more.
    after: gathering.ids.length * gathering.oneByOne.worth,
    answer: async () => {
      const { rows, answer } = (await gather(gathering, asked.place.shown + asked.wanted + 1)) ?? {};
      if (rows !== undefined && answer !== undefined) {
        return pageOf(asked, rows, answer);
      }
      // What is wrong with a search is said in answer to the search itself.
      return asked.place.narrowed ? answer : undefined;
    },
  };
}

function gatheringOf(asked: Asked): Gathering | undefined {
  const { search, shown, form } = asked;
  const { oneByOne } = search.paging;
  const ids = shown.only ?? [];
  if (oneByOne === undefined || ids.length === 0 || ids.length > MOST) {
    return undefined;
  }
  const stages = stagesOf(form.get('view_type'));
  const compare = comparatorOf(oneByOne.order, form.list('order_by'));
  if (compare === undefined || stages === undefined) {
    return undefined;
  }
  if (oneByOne.lookUp === undefined && ids.map(quoted).includes(undefined)) {
    return undefined;
  }
  return { asked, oneByOne, ids, compare, stages };
}

/** The page that begins at a place among all rows that the caller may read. */
function pageOf({ search, places, place, wanted }: Asked, rows: readonly Row[], answer: Answer): Answer {
  const { shown, beginsWith } = place;
  const found = beginsWith === undefined ? -1 : rows.findIndex((row) => beginsWith(keyOf(row, search)));
  const start = found === -1 ? shown : found;
  const end = start + wanted;
  const next = rows[end];
  const token = next && places.seal({ offset: end, shown: shown + wanted, key: keyOf(next, search) }, true);
  return replaced(answer, search, rows.slice(start, end), token);
}

/** At least the first `count` rows of the search, if there are as many; or what the upstream says against it. */
async function gather(gathering: Gathering, count: number): Promise<Found | undefined> {
  const { ids, compare } = gathering;
  const rows: Row[] = [];
  let answer: Answer | undefined;
  for (let start = 0; start < ids.length; start += AT_ONCE) {
    const batch = ids.slice(start, start + AT_ONCE);
    for (const found of await Promise.all(batch.map((id) => gatherOne(gathering, id, count)))) {
      if (found?.rows === undefined) {
        return found;
      }
      rows.push(...found.rows);
      answer = found.answer ?? answer;
    }
  }
  return answer && { rows: rows.sort(compare), answer };
}

async function gatherOne(gathering: Gathering, wanted: string, count: number): Promise<Found | undefined> {
  const { asked, oneByOne, stages } = gathering;
  const { lookUp } = oneByOne;
  if (lookUp === undefined) {
    return searchFor(asked, wanted, wanted, count);
  }
  const answer = await asked.upstream.exchange({
    method: 'GET',
    target: `${lookUp.target}${encodeURIComponent(wanted)}`,
    headers: headersWithoutBody(asked.search.request),
  });
  if (answer.status === 404) {
    return { rows: [] };
  }
  const row = answer.status === 200 ? readAnswerExactly(answer)[lookUp.at] : undefined;
  if (!isObject(row)) {
    return { answer };
  }
  if (isFilter(asked.filter)) {
    return searchFor(asked, wanted, String(row['name']), count);
  }
  const rows = stages.includes(String(row['lifecycle_stage'])) ? [row] : [];
  return { rows: await shownOnly(asked, wanted, rows), answer };
}

/** The search itself, for one name. */
async function searchFor(
  asked: Asked,
  wanted: string,
  name: string,
  count: number,
): Promise<Found | undefined> {
  const { upstream, search, form, filter } = asked;
  const value = quoted(name);
  if (value === undefined) {
    return undefined;
  }
  const found: Row[] = [];
  for (let offset = 0; ; ) {
    const answer = await upstream.exchange(
      form.exchange({
        filter: behind(`name = ${value}`, filter),
        max_results: Math.min(count, search.paging.largestPage),
        page_token: upstreamToken(offset, asked),
      }),
    );
    if (answer.status !== 200) {
      return { answer };
    }
    const { rows, more } = readPage(answer, search.list);
    found.push(...(await shownOnly(asked, wanted, rows)));
    offset += rows.length;
    if (!more || found.length >= count) {
      return { rows: found, answer };
    }
  }
}

/** Those of some rows that are what was asked for, and may be shown. */
function shownOnly({ search: { id }, shown }: Asked, wanted: string, rows: readonly Row[]) {
  return shownAmong(
    rows.filter((row) => idOf(row, id) === wanted),
    id,
    shown,
  );
}

/** The stages that a `view_type` shows, as MLflow reads it; undefined for one that it refuses. */
function stagesOf(viewType: unknown): readonly string[] | undefined {
  switch (String(viewType ?? '')) {
    case '':
    case '1':
    case 'ACTIVE_ONLY':
      return ['active'];
    case '2':
    case 'DELETED_ONLY':
      return ['deleted'];
    case '3':
    case 'ALL':
      return ['active', 'deleted'];
    default:
      return undefined;
  }
}

function headersWithoutBody({ headers = {} }: Exchange): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith('content-')));
}
