import { Kysely, sql } from 'kysely';
import { readDatabaseUri } from '../config/database-uri.ts';
import { loadAccount } from './account.ts';
import { type Audit, createAudit } from './audit.ts';
import { type Changes, createChanges } from './changes.ts';
import { createGrants, type Grants } from './grants.ts';
import { createIntents, type Intents } from './intents.ts';
import { migrate } from './migrations/index.ts';
import { createOwners, type Owners } from './owners.ts';
import { createRoles, type Roles } from './roles.ts';
import type { Schema } from './schema.ts';
import { openSqlite } from './sqlite.ts';
import { createThrottles, type Throttles } from './throttles.ts';
import type { Account } from './types.ts';
import { createUsers, type Users } from './users.ts';
import { createWrite, type Write } from './write.ts';

/** What {@link Store.atOnce} works on. */
export interface StoreParts {
  readonly users: Users;
  readonly grants: Grants;
  readonly roles: Roles;
  readonly audit: Audit;
  readonly throttles: Throttles;
}

/**
 * Everything the gateway remembers. Several processes may share one store. What a verb has answered survives
 * a crash; a database that gives no answer is an ApiError 503.
 */
export interface Store extends StoreParts {
  readonly intents: Intents;
  readonly owners: Owners;
  readonly changes: Changes;
  /** A user with its own grants and those of its roles, all as of one moment. */
  account(username: string): Promise<Account | undefined>;
  /**
   * Does many things as one: all of them are kept, and seen by others, when the work resolves, none if it throws.
   * Much faster than one by one, but until then nobody else can write, so it is not to wait for anything else.
   *
   * @param work - must use the parts it is given: the store's own verbs would wait for the work to end.
   */
  atOnce<T>(work: (parts: StoreParts) => Promise<T>): Promise<T>;
  /** 32 random bytes that every gateway on this store has alike, and nobody else. */
  pageTokenKey(): Promise<Uint8Array>;
  /** Resolves if the database answers. */
  ping(): Promise<void>;
  /** Ends all use. Closing twice does nothing. */
  close(): Promise<void>;
}

export interface StoreOptions {
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** Told of each query, and how many seconds it took. */
  readonly queried?: ((seconds: number) => void) | undefined;
}

/**
 * Opens a store and brings its schema up to date.
 *
 * @param databaseUri - a SQLAlchemy URI, see {@link readDatabaseUri}.
 * @throws Error if the URI, the file or what is in it will not do, with what to write instead.
 */
export async function openStore(databaseUri: string, { clock, queried }: StoreOptions): Promise<Store> {
  const engine = openSqlite(readDatabaseUri(databaseUri));
  const db = new Kysely<Schema>({
    dialect: engine.dialect,
    ...(queried && { log: ({ queryDurationMillis }) => queried(queryDurationMillis / 1000) }),
  });
  const close = async (): Promise<void> => {
    engine.close();
    await db.destroy();
  };
  try {
    await migrate(db, engine);
  } catch (error) {
    await close();
    throw error;
  }
  const write = createWrite(db, clock);
  const partsOn = (on: Kysely<Schema>, by: Write): StoreParts => ({
    users: createUsers(on, by, clock),
    grants: createGrants(on, by, clock),
    roles: createRoles(on, by, clock),
    audit: createAudit(on, by, engine),
    throttles: createThrottles(on, by, clock),
  });
  return {
    ...partsOn(db, write),
    intents: createIntents(db, write, clock),
    owners: createOwners(db, write),
    changes: createChanges(engine.feed),
    account: (username) => loadAccount(db, username),
    atOnce: (work) =>
      write((transaction, announce) => work(partsOn(transaction, (each) => each(transaction, announce)))),
    async pageTokenKey() {
      const { value } = await db
        .selectFrom('keys')
        .select('value')
        .where('name', '=', 'page-token')
        .executeTakeFirstOrThrow();
      return Buffer.from(value, 'base64');
    },
    async ping() {
      // Asked as it is on the way of every request: a file that was moved away or replaced is no store.
      await engine.feed.version();
      await sql`select 1`.execute(db);
    },
    close,
  };
}
