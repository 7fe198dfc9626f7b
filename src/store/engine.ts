import type { ColumnDataType, ColumnDefinitionBuilder, Dialect, RawBuilder } from 'kysely';

/** What the change feed asks of a database, on the way of every request and therefore without a promise. */
export interface FeedSource {
  /** A number that differs from the last one if anything was committed in between, by any process. */
  version(): number;
  /** The committed changes from this id on, oldest first. */
  changesFrom(id: number): readonly { readonly id: number; readonly user_id: number | null }[];
  /** The id of the newest change, 0 if there is none. */
  newestChange(): number;
}

/** One database product: everything about it that plain SQL does not hide. */
export interface Engine {
  readonly dialect: Dialect;
  /** A column of ids that the database gives out and never re-uses, not even after a deletion. */
  readonly idColumn: {
    readonly type: ColumnDataType;
    readonly build: (column: ColumnDefinitionBuilder) => ColumnDefinitionBuilder;
  };
  readonly feed: FeedSource;
  /** A table of the elements of a JSON array, each under the name `value`. */
  eachJson(array: string): RawBuilder<unknown>;
  /** Closes what the dialect itself does not. */
  close(): void;
}
