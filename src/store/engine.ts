import type {
  AliasableExpression,
  ColumnDataType,
  ColumnDefinitionBuilder,
  Dialect,
  Kysely,
  RawBuilder,
  TableMetadata,
  Transaction,
} from 'kysely';
import type { Schema } from './schema.ts';

/** The type of a column, in the words of one product. */
export type ColumnType = ColumnDataType | RawBuilder<unknown>;

/** One committed change as the feed tells it. */
export interface ChangeRow {
  readonly id: number;
  readonly user_id: number | null;
}

/** One reader's way to the change feed of a database. */
export interface FeedReader {
  /** The id of the newest change, 0 if there is none. */
  newest(): number | Promise<number>;
  /**
   * The committed changes from this id on, oldest first; `nothing` if nothing at all was committed since the last
   * question, `lost` if the connection was, so that nobody can tell.
   *
   * @throws ApiError 503 if the database does not answer.
   */
  from(id: number): FeedAnswer | Promise<FeedAnswer>;
}

export type FeedAnswer = readonly ChangeRow[] | 'nothing' | 'lost';

export interface EngineOptions {
  /** Milliseconds since the epoch; a database server has a clock of its own, which counts instead. */
  readonly clock: () => number;
  /** Most connections to a database server at once, besides the one that the change feed is read by. */
  readonly connections: number;
  /** How long a connection to a database server, a lock or an answer is waited for. */
  readonly timeoutSeconds: number;
}

/** Where a store is, or may come to be: what can be said of it before it is opened. */
export interface Place {
  /** For people: a file, or the address of a server, without a password. */
  readonly name: string;
  /**
   * Opens the database; makes it first, where it is a file that is missing.
   *
   * @throws Error with a sentence if that cannot be done.
   */
  open(options: EngineOptions): Promise<Engine>;
  /**
   * Whether there is anything: a file, or tables in a server's database. Whether it is a store shows once it is opened.
   *
   * @throws ApiError 503 if a server does not answer.
   */
  exists(): Promise<boolean>;
  /** Whether it is in this file, by whatever name. */
  isFile(file: string): boolean;
  /** @throws Error with a sentence if this process may not write there, where that can be told without writing. */
  checkWritable(): void;
  /**
   * Copies the store, in use as it may be, over an empty file, which is then a store of the same version. Left out by
   * an engine that has no way of its own: all rows are copied then.
   *
   * @throws Error with a sentence if there is no store, or if it cannot be read.
   */
  readonly copyTo?: (file: string) => Promise<void>;
}

/**
 * Adds rows to a table.
 *
 * @param columns - what each row has a value of, in their order.
 */
export type InsertRows = (
  db: Kysely<Schema>,
  table: keyof Schema,
  columns: readonly string[],
  rows: readonly (readonly (string | number | null)[])[],
) => Promise<void>;

/** An open database of one product: everything about it that plain SQL does not hide. */
export interface Engine {
  /** For queries, and for transactions too unless {@link writes} is there for them. */
  readonly reads: Dialect;
  /** For transactions, where a query must not wait for one that waits for its turn to write. */
  readonly writes?: Dialect;
  /** A column of ids that the database gives out and never re-uses, not even after a deletion. */
  readonly idColumn: {
    readonly type: ColumnType;
    readonly build: (column: ColumnDefinitionBuilder) => ColumnDefinitionBuilder;
  };
  /** Adds many rows to a table, in the quickest way that the product has. */
  readonly insertRows: InsertRows;
  /** How the statement ends that makes a table which is kept in the order of its key, where it would not be anyway. */
  readonly keptByKey: RawBuilder<unknown>;
  /** A column that refers to one. */
  readonly idReference: ColumnType;
  /** A column of text that is compared and ordered byte by byte. */
  readonly text: ColumnType;
  /** What time it is for every gateway on the store, in milliseconds since the epoch. */
  readonly now: () => AliasableExpression<number>;
  /** Whether the schema of the store would share its place with this table. */
  readonly isInTheWay: (table: TableMetadata) => boolean;
  /**
   * Lets one transaction write at a time, of all gateways on the store: what it then reads stays so until it ends, and
   * changes are seen in the order of their ids. To be called first in a transaction.
   */
  lockForWriting(transaction: Transaction<Schema>): Promise<void>;
  /** How a transaction sees one moment of the database throughout, where it does not anyway. */
  readonly snapshot?: 'repeatable read';
  /** @throws ApiError 503 if the database is not the one that was opened, where a query would not tell. */
  check(): void;
  /** Starts to read the change feed. */
  followFeed(): FeedReader;
  /** Makes sure that the database goes on giving out ids above this one. */
  continueIdsAbove(transaction: Transaction<Schema>, table: keyof Schema, id: number): Promise<void>;
  /** The highest id that a table has ever given out. */
  highestId(transaction: Transaction<Schema>, table: keyof Schema): Promise<number>;
  /** Closes what the dialects themselves do not. */
  close(): Promise<void>;
}
