import { setTimeout } from 'node:timers/promises';
import {
  type Dialect,
  PostgresAdapter,
  PostgresDialect,
  type PostgresPool,
  type PostgresPoolClient,
  sql,
} from 'kysely';
import { Client, type ClientConfig, DatabaseError, Pool, type PoolClient, types } from 'pg';
import type { PostgresqlLocation } from '../config/database-uri.ts';
import { ApiError, invalid, unavailable } from '../errors.ts';
import type { ChangeRow, Engine, FeedAnswer, FeedReader } from './engine.ts';

export interface PostgresqlOptions {
  /** Most connections at once, besides the one that the change feed is read by. */
  readonly connections: number;
  /** How long a connection, a lock or an answer is waited for. */
  readonly timeoutSeconds: number;
}

/** Of our own among the advisory locks of a database: "mlflow" in the bytes of its letters. */
const WRITE_LOCK = 0x6d6c666c6f77;

const NOW = sql<number>`(extract(epoch from clock_timestamp()) * 1000)::bigint`;

/** Opens a PostgreSQL database; nothing is connected before the first query. */
export function openPostgresql(
  location: PostgresqlLocation,
  { connections, timeoutSeconds }: PostgresqlOptions,
): Engine {
  const config = clientConfig(location, timeoutSeconds);
  const pool = new Pool({ ...config, max: connections, idleTimeoutMillis: 30_000 });
  // A connection that breaks while nobody uses it is taken out of the pool; a user who uses one is told by the query.
  pool.on('error', () => undefined);
  const feeds = new Set<PostgresqlFeed>();
  return {
    reads: createDialect(pool),
    idColumn: {
      type: 'bigint',
      build: (column) => column.generatedByDefaultAsIdentity().primaryKey(),
    },
    idReference: 'bigint',
    // Neither a locale nor a version of its rules says what is equal, or which comes first.
    text: sql`text collate "C"`,
    now: () => NOW,
    eachJson: (array) => sql`jsonb_array_elements(${array}::jsonb) as element(value)`,
    // It has statistics to choose by.
    unindexed: (column) => column,
    snapshot: 'repeatable read',
    // A query tells.
    check() {},
    isInTheWay: ({ schema }) => schema === 'public',
    async lockForWriting(transaction) {
      await sql`select pg_advisory_xact_lock(${sql.lit(WRITE_LOCK)})`.execute(transaction);
    },
    followFeed() {
      const feed = createFeed(config);
      feeds.add(feed);
      return feed;
    },
    async continueIdsAbove(transaction, table, id) {
      if (id > 0) {
        await sql`select setval(pg_get_serial_sequence(${table}, 'id'), ${id})`.execute(transaction);
      }
    },
    async highestId(transaction, table) {
      const { rows } = await sql<{ last: number | null }>`
        select pg_sequence_last_value(pg_get_serial_sequence(${table}, 'id')::regclass) as last`.execute(
        transaction,
      );
      return rows[0]?.last ?? 0;
    },
    async close() {
      await Promise.all([...feeds].map((feed) => feed.close()));
    },
  };
}

/** Bigints are read as numbers: ids and moments stay far below 2^53. */
const TYPES: NonNullable<ClientConfig['types']> = {
  getTypeParser: ((oid: number, format?: 'text') =>
    oid === types.builtins.INT8 ? Number : types.getTypeParser(oid, format)) as typeof types.getTypeParser,
};

function clientConfig(location: PostgresqlLocation, timeoutSeconds: number): ClientConfig {
  const timeoutMs = timeoutSeconds * 1000;
  const { host, port, user, password, database, ssl } = location;
  return {
    host,
    port,
    user,
    database,
    ...(password !== undefined && { password: password.reveal() }),
    ssl,
    types: TYPES,
    application_name: 'mlflow-auth-gateway',
    keepAlive: true,
    connectionTimeoutMillis: timeoutMs,
    // The server's own limits end first, so that it does not go on with what nobody waits for.
    statement_timeout: timeoutMs,
    lock_timeout: timeoutMs,
    idle_in_transaction_session_timeout: 2 * timeoutMs,
    query_timeout: timeoutMs + 500,
  };
}

function createDialect(pool: Pool): Dialect {
  const dialect = new PostgresDialect({ pool: honestPool(pool) });
  return {
    createDriver: () => dialect.createDriver(),
    createQueryCompiler: () => dialect.createQueryCompiler(),
    createAdapter: () => new LockedAdapter(),
    createIntrospector: (db) => dialect.createIntrospector(db),
  };
}

/** Migrations are made one process at a time by the store's own lock. */
class LockedAdapter extends PostgresAdapter {
  override async acquireMigrationLock(): Promise<void> {}
  override async releaseMigrationLock(): Promise<void> {}
}

/** A pool whose failures are ApiErrors, and which gives no connection out again that has failed. */
function honestPool(pool: Pool): PostgresPool {
  return {
    async connect() {
      const client = await answering(() => pool.connect());
      return honestClient(client);
    },
    end: () => pool.end(),
    options: pool.options,
  };
}

function honestClient(client: PoolClient): PostgresPoolClient {
  let isBroken = false;
  // Between two queries of a transaction nobody else listens.
  const noteBroken = () => {
    isBroken = true;
  };
  client.on('error', noteBroken);
  async function ask(text: unknown, parameters?: readonly unknown[]): Promise<unknown> {
    try {
      return await answering(() => client.query(String(text), [...(parameters ?? [])]));
    } catch (error) {
      isBroken ||= !isAnswered(error);
      throw error;
    }
  }
  return {
    query: ask as PostgresPoolClient['query'],
    release() {
      client.off('error', noteBroken);
      client.release(isBroken);
    },
  };
}

/** Whether PostgreSQL itself has said no, and goes on; anything else leaves the connection in no state to be used. */
const isAnswered = (error: unknown): boolean =>
  error instanceof ApiError && error.cause instanceof StoreFailure && error.cause.isAnswered;

/** What the log is told of a failure: PostgreSQL's own details may hold a row, with the hash of a password. */
class StoreFailure extends Error {
  override readonly name = 'StoreFailure';
  readonly isAnswered: boolean;

  constructor(error: unknown) {
    const code = error instanceof DatabaseError && error.code !== undefined ? ` (${error.code})` : '';
    super(`PostgreSQL: ${error instanceof Error ? error.message : String(error)}${code}`);
    this.isAnswered = error instanceof DatabaseError && error.severity !== 'FATAL';
  }
}

/** @see https://www.postgresql.org/docs/current/errcodes-appendix.html */
const NOT_TEXT = new Set(['22021', '22P05']);
const TOO_LARGE = '54000';

/** Asks; a database that fails is a 503, for silence never grants. */
async function answering<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof DatabaseError && NOT_TEXT.has(error.code ?? '')) {
      throw invalid('A name cannot hold a zero character.');
    }
    if (error instanceof DatabaseError && error.code === TOO_LARGE) {
      throw invalid('A name is too long.');
    }
    throw unavailable('The store gave no answer.', new StoreFailure(error));
  }
}

interface PostgresqlFeed extends FeedReader {
  newest(): Promise<number>;
  from(id: number): Promise<FeedAnswer>;
  close(): Promise<void>;
}

/**
 * Reads the feed on a connection of its own, which no query of others keeps busy. Once that is lost nobody can tell
 * whether the database is still the one that was read: after a failover its last changes may be missing.
 */
function createFeed(config: ClientConfig): PostgresqlFeed {
  let connected: Promise<Client> | undefined;
  let isLost = false;

  async function connect(): Promise<Client> {
    const client = new Client(config);
    client.on('error', () => lose(client));
    try {
      await client.connect();
      return client;
    } catch (error) {
      lose(client);
      throw error;
    }
  }

  function lose(client: Client): void {
    connected = undefined;
    isLost = true;
    client.end().catch(() => undefined);
  }

  async function ask<R extends object>(name: string, text: string, values: unknown[]): Promise<readonly R[]> {
    return answering(async () => {
      connected ??= connect();
      const client = await connected;
      try {
        const { rows } = await client.query<R>({ name, text, values });
        return rows;
      } catch (error) {
        lose(client);
        throw error;
      }
    });
  }

  return {
    async newest() {
      const [row] = await ask<{ id: number }>(
        'newest-change',
        'select coalesce(max(id), 0)::bigint as id from changes',
        [],
      );
      isLost = false;
      return row?.id ?? 0;
    },
    async from(id) {
      const rows = await ask<ChangeRow>(
        'changes-from',
        'select id, user_id from changes where id >= $1 order by id',
        [id],
      );
      if (isLost) {
        isLost = false;
        return 'lost';
      }
      return rows;
    },
    async close() {
      const client = await connected?.catch(() => undefined);
      connected = undefined;
      await Promise.race([client?.end().catch(() => undefined), setTimeout(1000, undefined, { ref: false })]);
    },
  };
}
