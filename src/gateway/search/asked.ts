import type { Paging } from '../../mlflow/table/row.ts';
import type { Exchange, Upstream } from '../../mlflow/upstream/upstream.ts';
import type { SearchForm } from './form.ts';
import type { PageTokens } from './page-token.ts';
import type { Places, SearchPlace } from './place.ts';
import type { Shown } from './shown.ts';

export interface Search {
  /** The request, ready to be forwarded. */
  readonly request: Exchange;
  /** Who searches for what: a page token is good for nothing else. See `identityOf`. */
  readonly identity: string;
  /** Where it looks; the default one where the upstream has no workspaces. */
  readonly workspace: string;
  readonly list: string;
  readonly id: string;
  readonly paging: Paging;
  /** Whether the upstream names the list even if it is empty. */
  readonly listed: boolean;
  /** Whether this version of the upstream takes `column IN (…)` in a filter. */
  readonly pushesDown: () => Promise<boolean>;
  readonly tokens: PageTokens;
  /** What is known of the searched list; kept from one search to the next. */
  readonly extent: Extent;
}

/** How many rows a list was seen to have at least, by a search without a filter. Tells what is cheaper, nothing else. */
export interface Extent {
  atLeast: number;
}

/** A search as its ways to a page see it. */
export interface Asked {
  readonly upstream: Pick<Upstream, 'exchange'>;
  readonly search: Search;
  readonly shown: Shown;
  readonly form: SearchForm;
  /** As the client wrote it. */
  readonly filter: unknown;
  readonly places: Places;
  readonly place: SearchPlace;
  /** Rows of the page that the client asked for. */
  readonly wanted: number;
}
