import { type JsonObject, readAnswerExactly, rowsIn, withBody } from '../../mlflow/upstream/answer-json.ts';
import type { Answer } from '../../mlflow/upstream/upstream.ts';
import type { Asked, Search } from './asked.ts';
import { idOf } from './row-id.ts';
import { type Shown, shownOf } from './shown.ts';

/** What tells a row from others of its list. */
export function keyOf(row: JsonObject, { paging, id }: Pick<Search, 'paging' | 'id'>): string {
  return idOf(row, paging.row ?? id);
}

/**
 * A token as MLflow makes it; none for the first page.
 *
 * @see mlflow/store/tracking/skill_registry_pagination.py for those that are bound to their search.
 */
export function upstreamToken(
  offset: number,
  { search: { paging, workspace }, form }: Pick<Asked, 'search' | 'form'>,
): string | undefined {
  if (offset === 0) {
    return undefined;
  }
  const { tokenScope } = paging;
  const order = form.list('order_by');
  const search = {
    filter_string: form.get('filter_string') ?? null,
    order_by: order.length === 0 ? null : order,
    query_scope: `workspace:${workspace}:${tokenScope}`,
  };
  const token = { offset, ...(tokenScope !== undefined && search) };
  return Buffer.from(JSON.stringify(token)).toString('base64');
}

/** One page of the upstream's. */
export interface Page {
  readonly rows: readonly JsonObject[];
  /** Whether there are more behind it. */
  readonly more: boolean;
}

/**
 * Reads a page of the upstream's.
 *
 * @throws ApiError 503 if it cannot be read.
 */
export function readPage(answer: Answer, list: string): Page {
  const { [list]: listed, next_page_token: token } = readAnswerExactly(answer);
  const rows = rowsIn(listed);
  return { rows, more: typeof token === 'string' && token !== '' && rows.length > 0 };
}

/** An answer with these rows and this token in place of the upstream's, as the upstream would have written it. */
export function replaced(
  answer: Answer,
  { list, listed, paging }: Pick<Search, 'list' | 'listed' | 'paging'>,
  rows: readonly JsonObject[],
  token: string | undefined,
): Answer {
  const next_page_token = token ?? paging.last;
  return withBody(answer, {
    ...((rows.length > 0 || listed) && { [list]: rows }),
    ...(next_page_token !== undefined && { next_page_token }),
  });
}

/**
 * Takes rows out of a whole list. One that is left empty looks as one that was empty: where protobuf leaves it out, a
 * `[]` would say that something was there.
 */
export async function filtered(
  answer: Answer,
  { list, id, listed }: Pick<Search, 'list' | 'id' | 'listed'>,
  shown: Pick<Shown, 'mayRead' | 'atOnce'>,
): Promise<Answer> {
  if (answer.status !== 200) {
    return answer;
  }
  const page = readAnswerExactly(answer);
  const { [list]: all, ...rest } = page;
  if (all === undefined) {
    return answer;
  }
  const rows = await shownOf(rowsIn(all), id, shown);
  return withBody(answer, rows.length > 0 || listed ? { ...page, [list]: rows } : rest);
}
