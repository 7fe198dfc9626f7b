import type { Paging } from '../../mlflow/table/row.ts';
import type { Exchange } from '../../mlflow/upstream/upstream.ts';
import type { PageTokens } from './page-token.ts';

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
  /** What is known of the searched list; kept from one search to the next. */
  readonly extent: Extent;
}

/** How many rows a list was seen to have at least, by a search without a filter. Tells what is cheaper, nothing else. */
export interface Extent {
  atLeast: number;
}
