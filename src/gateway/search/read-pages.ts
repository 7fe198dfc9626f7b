import type { JsonObject } from '../../mlflow/upstream/answer-json.ts';
import type { Answer } from '../../mlflow/upstream/upstream.ts';
import type { Asked } from './asked.ts';
import { behind, isFilter } from './form.ts';
import { keyOf, readPage, replaced, upstreamToken } from './page.ts';
import { type Beginning, beginningsOf } from './place.ts';
import { batchesOf, shownAmong } from './shown.ts';

/** Pages read for one request before it is answered with what there is and a token to go on. */
const MOST_PAGES = 60;
/** Rows that cost the upstream about as much as to be asked once more: no fewer are asked for where few may be shown. */
const FIRST_PAGE = 100;
/** The first page of a list that has to be read to its end. */
const LARGE_PAGE = 1000;
/** Further pages are so many times as long, where those before tell nothing. */
const GROWTH = 4;
/** Pages whose length is told by how much of those before was shown. What has deceived so often may do so again. */
const MOST_FORESEEN = 3;
/** A little more is asked for than is likely to do. */
const SPARE = 1.25;

/** How the upstream's pages are read. */
export interface Manner {
  /** Put into the filter, so that few rows or none have to be taken out. */
  readonly clause?: string;
  /** Put into a parameter of the query, so that few rows or none have to be taken out. */
  readonly selected?: { readonly by: string; readonly ids: readonly string[] };
  readonly instead?: Instead;
}

/** Another way to the same answer. It is tried once, before more than `after` rows are read of a list that goes on behind them. */
export interface Instead {
  readonly after: number;
  /** Undefined if it leads nowhere. */
  readonly answer: () => Promise<Answer | undefined>;
}

/**
 * Reads the upstream's pages and takes rows out until the client's page is full.
 *
 * @returns the page, or the upstream's answer that is none.
 */
export async function readPages(asked: Asked, manner: Manner): Promise<Answer> {
  for (const beginning of beginningsOf(asked.place)) {
    const answer = await readFrom(asked, beginning, manner);
    if (answer !== undefined) {
      return answer;
    }
  }
  throw new Error('unreachable: the last beginning always answers');
}

/** Reads a page that begins at one place; undefined if it does not begin there. */
async function readFrom(asked: Asked, beginning: Beginning, manner: Manner): Promise<Answer | undefined> {
  const { clause, selected, instead } = manner;
  const isNarrowed = clause !== undefined || selected !== undefined;
  const filling = fill(asked, beginning);
  const seal = (next: { offset: number; key: string | undefined }) =>
    asked.places.seal({ ...next, shown: asked.place.shown + filling.rows.length }, isNarrowed);
  // One more than is shown: whether there is a next page must not be known by rows that are hidden.
  const enough = asked.wanted + 1;
  const first = isNarrowed ? enough : firstSize(asked, enough);
  let other = instead;
  let size = Math.min(first, other?.after ?? first);
  let offset = beginning.from;
  for (let pages = 1; ; pages++) {
    const answer = await ask(asked, manner, offset, size);
    if (answer.status !== 200) {
      return answer;
    }
    const { rows, more } = readPage(answer, asked.search.list);
    if (more) {
      noteExtent(asked, offset + rows.length + 1);
    }
    const end = await filling.take(rows);
    if (end === 'elsewhere') {
      return undefined;
    }
    if (end !== undefined) {
      return replaced(answer, asked.search, filling.rows, seal({ offset: offset + end.at, key: end.key }));
    }
    offset += rows.length;
    if (!more || pages === MOST_PAGES) {
      return filling.begun || beginning.orNowhere
        ? replaced(
            answer,
            asked.search,
            filling.rows,
            more && filling.begun ? seal({ offset, key: undefined }) : undefined,
          )
        : undefined;
    }
    const read = offset - beginning.from;
    const found = filling.rows.length;
    const foresees = pages <= MOST_FORESEEN && found > 0 && asked.shown.atOnce === undefined;
    size = foresees ? Math.max(enough, ((read * (enough - found)) / found) * SPARE) : size * GROWTH;
    if (other !== undefined && read + size > other.after) {
      const end = beginning.from + other.after;
      // Up to there the list may end.
      if (offset < end && asked.search.extent.atLeast <= end) {
        size = end - offset;
        continue;
      }
      const answered = await other.answer();
      if (answered !== undefined) {
        return answered;
      }
      other = undefined;
    }
  }
}

/** How many of the upstream's rows are asked for at first, to find `enough` that are shown among them. */
function firstSize({ shown, place }: Asked, enough: number): number {
  // Where a row costs a look-up, rows of which few are shown are read in more pages, and not for nothing.
  if (shown.atOnce !== undefined) {
    return enough;
  }
  // Most rows are shown where it is not known which ones are.
  if (shown.only === undefined) {
    return enough * SPARE;
  }
  const isToTheEnd = shown.only.length - place.shown < enough;
  return Math.max(enough, isToTheEnd ? LARGE_PAGE : FIRST_PAGE);
}

function ask(asked: Asked, { clause, selected }: Manner, offset: number, size: number): Promise<Answer> {
  const { upstream, search, form, filter } = asked;
  const exchange = form.exchange({
    ...(selected !== undefined && { [selected.by]: selected.ids }),
    ...(clause !== undefined && { filter: behind(clause, filter) }),
    max_results: Math.min(Math.ceil(size), search.paging.largestPage),
    page_token: upstreamToken(offset, asked),
  });
  return upstream.exchange(exchange);
}

/** Only a search without a filter tells how long the list is. */
function noteExtent({ search: { extent }, filter }: Asked, atLeast: number): void {
  if (!isFilter(filter)) {
    extent.atLeast = Math.max(extent.atLeast, atLeast);
  }
}

/** A page of the client's that is being filled. */
interface Filling {
  readonly rows: readonly JsonObject[];
  /** Whether its first row was found. */
  readonly begun: boolean;
  /**
   * Takes the readable ones of the next rows.
   *
   * @returns the row behind the page once that is full, by its index; `elsewhere` if the page does not begin here.
   */
  take(rows: readonly JsonObject[]): Promise<{ at: number; key: string } | 'elsewhere' | undefined>;
}

function fill({ search, shown, wanted }: Asked, { begins, atOnce }: Beginning): Filling {
  const filled: JsonObject[] = [];
  let begun = begins === undefined;
  let passed = 0;
  return {
    rows: filled,
    get begun() {
      return begun;
    },
    async take(rows) {
      // The page's own, and one more that says whether there is another.
      for (const batch of batchesOf(rows, shown, () => wanted + 1 - filled.length)) {
        for (const row of await shownAmong(batch, search.id, shown)) {
          const key = keyOf(row, search);
          begun ||= begins?.(key, passed) ?? true;
          passed += 1;
          if (!begun && atOnce) {
            return 'elsewhere';
          }
          if (begun && filled.length === wanted) {
            return { at: rows.indexOf(row), key };
          }
          if (begun) {
            filled.push(row);
          }
        }
      }
      return undefined;
    },
  };
}
