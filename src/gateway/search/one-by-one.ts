import { isObject } from '../../mlflow/read/json.ts';
import type { OneByOne } from '../../mlflow/table/row.ts';
import { comparatorOf } from '../../mlflow/table/search-order.ts';
import { type JsonObject as Row, readAnswerExactly, rowsIn } from '../../mlflow/upstream/answer-json.ts';
import type { Answer, Exchange, Upstream } from '../../mlflow/upstream/upstream.ts';
import type { Search } from './asked.ts';
import { behind, quoted, readForm } from './form.ts';
import { idOf, offsetOf, upstreamToken } from './page.ts';

/** More rows than this are looked for in pages. */
const MOST = 200;
/** Asked at the same time: MLflow answers few at once, and others wait too. */
const AT_ONCE = 4;

export interface Gathered {
  /** In the order of the search; absent if the upstream takes none of this. */
  readonly rows?: readonly Row[];
  /** One of the upstream's answers: with status 200, or the one that says no. */
  readonly answer: Answer;
}

/** What was found of one thing. */
interface Found {
  readonly rows?: readonly Row[];
  /** Absent for a thing that is not there. */
  readonly answer?: Answer;
}

/**
 * Gathers the few rows that a caller may read by asking for each: where the upstream cannot be told a list of ids,
 * five of 20,000 would otherwise be looked for in all of them.
 *
 * @param ids - of all that may be read.
 * @param mayShow - whether a row is counted.
 * @returns a function that gathers at least the first `count` rows of the search, if there are as many; undefined if
 *   it finds that they cannot be. No function at all if these ids, or this order, are not to be gathered so.
 */
export function gatherer(
  upstream: Pick<Upstream, 'exchange'>,
  { request, list, id, paging }: Pick<Search, 'request' | 'list' | 'id' | 'paging'>,
  ids: readonly string[],
  mayShow: (row: Row) => boolean,
): ((count: number) => Promise<Gathered | undefined>) | undefined {
  const { oneByOne } = paging;
  if (oneByOne === undefined || ids.length === 0 || ids.length > MOST) return undefined;
  const form = readForm(request);
  const filter = String(form.get('filter') ?? '').trim();
  const stages = stagesOf(form.get('view_type'));
  const compare = comparatorOf(oneByOne.order, form.list('order_by'));
  if (compare === undefined || stages === undefined) return undefined;
  if (oneByOne.lookUp === undefined && ids.map(quoted).includes(undefined)) return undefined;
  const isIt = (wanted: string) => (row: Row) => idOf(row, id) === wanted && mayShow(row);

  return async (count) => {
    const rows: Row[] = [];
    let answer: Answer | undefined;
    for (let start = 0; start < ids.length; start += AT_ONCE) {
      const each = await Promise.all(ids.slice(start, start + AT_ONCE).map((one) => gather(one, count)));
      for (const found of each) {
        if (found?.rows === undefined) return found?.answer && { answer: found.answer };
        rows.push(...found.rows);
        answer = found.answer ?? answer;
      }
    }
    return answer && { rows: rows.sort(compare), answer };
  };

  async function gather(wanted: string, count: number): Promise<Found | undefined> {
    const { lookUp } = oneByOne as OneByOne;
    if (lookUp === undefined) return searchFor(wanted, wanted, count);
    const answer = await upstream.exchange({
      method: 'GET',
      target: `${lookUp.target}${encodeURIComponent(wanted)}`,
      headers: headersWithoutBody(request),
    });
    if (answer.status === 404) return { rows: [] };
    const row = answer.status === 200 ? readAnswerExactly(answer)[lookUp.at] : undefined;
    if (!isObject(row)) return { answer };
    if (filter !== '') return searchFor(wanted, String(row['name']), count);
    const shown = isIt(wanted)(row) && stages?.includes(String(row['lifecycle_stage']));
    return { rows: shown ? [row] : [], answer };
  }

  /** The search itself, for one name. */
  async function searchFor(wanted: string, name: string, count: number): Promise<Found | undefined> {
    const value = quoted(name);
    if (value === undefined) return undefined;
    const narrowed = readForm(request);
    narrowed.set('filter', behind(`name = ${value}`, filter));
    const rows: Row[] = [];
    for (let offset = 0; ; ) {
      narrowed.set('max_results', Math.min(count, paging.largestPage));
      narrowed.set('page_token', upstreamToken(offset));
      const answer = await upstream.exchange(narrowed.exchange());
      if (answer.status !== 200) return { answer };
      const page = readAnswerExactly(answer);
      const all = rowsIn(page[list]);
      rows.push(...all.filter(isIt(wanted)));
      offset += all.length;
      const more = offsetOf(page['next_page_token']) !== undefined && all.length > 0;
      if (!more || rows.length >= count) return { rows, answer };
    }
  }
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
