import { invalid } from '../../errors.ts';
import type { NextPage, PagePlace, PageTokens } from './page-token.ts';

/** Where a page begins. */
export interface SearchPlace extends PagePlace {
  /** Counted among the rows that the caller may read, by our own clause in the filter, not among all. */
  readonly narrowed: boolean;
}

export const FIRST_PLACE: SearchPlace = { offset: 0, shown: 0, beginsWith: undefined, narrowed: false };

/** The page tokens of one search by one user. */
export interface Places {
  seal(next: NextPage, narrowed: boolean): string;
  /** The place that a token names; undefined for one that is not of this search. */
  open(token: string): SearchPlace | undefined;
}

/**
 * Creates the page tokens of one search.
 *
 * @param identity - who searches for what.
 */
export function placesOf(tokens: PageTokens, identity: string): Places {
  const searchOf = (narrowed: boolean) => `${narrowed ? 'narrowed' : 'whole'} ${identity}`;
  return {
    seal: (next, narrowed) => tokens.seal(next, searchOf(narrowed)),
    open(token) {
      for (const narrowed of [true, false]) {
        const place = tokens.open(token, searchOf(narrowed));
        if (place !== undefined) {
          return { ...place, narrowed };
        }
      }
      return undefined;
    },
  };
}

/** How to find the row that a page begins with. */
export interface Beginning {
  /** The offset from which it is looked for. */
  readonly from: number;
  /** Tells the row, by its key and by how many readable ones have gone by; the first of all if left out. */
  readonly begins?: (key: string, passed: number) => boolean;
  /** Only the first readable row from there on is looked at. */
  readonly atOnce?: true;
  /** Where the row is not found, the page is empty: there is no other beginning to try. */
  readonly orNowhere?: true;
}

/**
 * Where to look for the beginning of a page, one after the other.
 *
 * An offset counts hidden rows. If a page simply began there, a caller who moves rows of their own about under a
 * token, by renaming or creating some, could read off them how many hidden ones there are. The offset is only a
 * hint. A page starts at the row that the token names; if that row is gone, after `shown` readable rows. Neither
 * depends on what is hidden.
 */
export function beginningsOf({ offset, shown, beginsWith }: SearchPlace): readonly Beginning[] {
  if (beginsWith === undefined) {
    return [{ from: offset }];
  }
  return [
    { from: offset, begins: beginsWith, atOnce: true },
    { from: 0, begins: beginsWith },
    { from: 0, begins: (_, passed) => passed === shown, orNowhere: true },
  ];
}

/** 400 for a page token that is not of the search it came with. */
export function badToken() {
  return invalid('Invalid page token. Send the one of the last page with the same search, or start again.');
}
