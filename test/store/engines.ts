import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import pg from 'pg';
import { onTestFinished } from 'vitest';
import { type DatabaseLocation, uriOfFile } from '../../src/config/database-uri.ts';
import { openStore, type Store } from '../../src/store/index.ts';
import { sharedPostgresql } from '../support/shared-postgresql.ts';
import { temporaryDirectory } from './temporary.ts';

/** A database product that the tests of the store run on. */
export interface TestEngine {
  readonly name: string;
  /** The URI of an empty database, which is the test's own and goes with it. */
  uri(): Promise<string>;
  /** The URI of a database as {@link uri}'s, which may have the schema already; for tests that have no use for its making. */
  readonly made?: () => Promise<string>;
  /** Runs SQL past the gateway. */
  run(uri: string, text: string): Promise<void>;
  /** What a query past the gateway finds. */
  rows(uri: string, text: string): Promise<readonly Record<string, unknown>[]>;
  /** The tables that are in a database. */
  tables(uri: string): Promise<readonly string[]>;
  /** Empties a table, whose ids then begin at 1 again. */
  empty(uri: string, table: string): Promise<void>;
  /** How a query is answered in a table of many rows, in the product's own words. */
  plan(uri: string, text: string): Promise<string>;
  /** The clock that stores on this database are given; their own may be another, which advances as this one does. */
  clock(uri: string): () => number;
  /** Lets time pass for all stores on a database. */
  pass(uri: string, milliseconds: number): Promise<void>;
}

/** The first moment of every database, in milliseconds since the epoch. */
const BEGINNING = 1_000;

/** Takes out what a test has put into a store, and begins its ids anew; what stands in `keys` is made with the schema. */
const EMPTIED = `
  set session_replication_role = replica;
  do $$ declare each record; begin
    for each in select tablename as name from pg_tables
      where schemaname = 'public' and tablename <> 'keys' and tablename not like 'kysely%' loop
      execute format('delete from %I', each.name);
    end loop;
    for each in select sequencename as name from pg_sequences where schemaname = 'public' loop
      execute format('alter sequence %I restart', each.name);
    end loop;
  end $$`;
const DROPPED = 'drop schema public cascade; create schema public';

/** Every product that a store can be in. The compiler asks for one that is offered and not tested. */
const ENGINE_OF: { readonly [P in DatabaseLocation['product']]: TestEngine } = {
  sqlite: sqlite(),
  postgresql: postgresql(),
};

/** What the tests of the store run on: `describe.each(ENGINES)('on $name', ({ open }) => …)`. */
export const ENGINES = Object.values(ENGINE_OF).map((engine) => ({
  ...engine,
  /**
   * A store that is closed with the test, on a database of its own unless one is named. Its clock begins in 1970, and
   * advances by a millisecond each time it is read.
   */
  async open(uri?: string): Promise<Store> {
    const place = uri ?? (await (engine.made ?? engine.uri)());
    const store = await openStore(place, { clock: engine.clock(place) });
    onTestFinished(() => store.close());
    return store;
  },
}));

function sqlite(): TestEngine {
  const moments = new Map<string, number>();
  const advance = (uri: string, milliseconds: number): number => {
    const moment = (moments.get(uri) ?? BEGINNING) + milliseconds;
    moments.set(uri, moment);
    return moment;
  };
  const on = <T>(uri: string, work: (database: Sqlite.Database) => T): T => {
    const database = new Sqlite(uri.slice(uriOfFile('').length));
    try {
      database.pragma('foreign_keys = ON');
      return work(database);
    } finally {
      database.close();
    }
  };
  const rows: TestEngine['rows'] = async (uri, text) =>
    on(uri, (database) => database.prepare<[], Record<string, unknown>>(text).all());
  return {
    name: 'SQLite',
    uri: async () => uriOfFile(join(temporaryDirectory(), 'gateway.db')),
    run: async (uri, text) => on(uri, (database) => void database.exec(text)),
    rows,
    async tables(uri) {
      const found = await rows(
        uri,
        "select name from sqlite_master where type = 'table' and name not like 'sqlite\\_%' escape '\\' order by name",
      );
      return found.map(({ name }) => String(name));
    },
    empty: async (uri, table) =>
      on(uri, (database) => {
        database.exec(`delete from ${table}; delete from sqlite_sequence where name = '${table}'`);
      }),
    plan: async (uri, text) => JSON.stringify(await rows(uri, `explain query plan ${text}`)),
    clock: (uri) => () => advance(uri, 1),
    async pass(uri, milliseconds) {
      advance(uri, milliseconds);
    },
  };
}

/**
 * Each test gets a database that an earlier one of its file has done with: to make one takes ten times as long, and the
 * schema in it five times. The functions of `test_clock` are found before PostgreSQL's own: its clock is the test's, as the gateway's is
 * on SQLite.
 */
function postgresql(): TestEngine {
  /** A database, which is made to be as a new one when the test has done with it. */
  const pool = (anew: string) => {
    const free: string[] = [];
    return async () => {
      const uri = free.pop() ?? (await databaseWithClock(run));
      onTestFinished(async () => {
        await run(uri, `${anew}; select setval('test_clock.moments', ${BEGINNING})`);
        free.push(uri);
      });
      return uri;
    };
  };
  const on = async <T>(uri: string, work: (client: pg.Client) => Promise<T>): Promise<T> => {
    const client = new pg.Client(uri.replace('+psycopg2', ''));
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  };
  const run: TestEngine['run'] = (uri, text) => on(uri, async (client) => void (await client.query(text)));
  const rows: TestEngine['rows'] = (uri, text) =>
    on(uri, async (client) => (await client.query<Record<string, unknown>>(text)).rows);
  return {
    name: 'PostgreSQL',
    uri: pool(DROPPED),
    made: pool(EMPTIED),
    run,
    rows,
    async tables(uri) {
      const found = await rows(uri, "select tablename from pg_tables where schemaname = 'public' order by 1");
      return found.map(({ tablename }) => String(tablename));
    },
    empty: (uri, table) => run(uri, `truncate ${table} restart identity`),
    plan: (uri, text) =>
      on(uri, async (client) => {
        // The tables of a test are so small that they are read whole otherwise.
        await client.query('set enable_seqscan = off');
        return JSON.stringify((await client.query(`explain ${text}`)).rows);
      }),
    // Its own is what counts.
    clock: () => () => 0,
    pass: (uri, milliseconds) =>
      run(
        uri,
        `select setval('test_clock.moments', (select last_value from test_clock.moments) + ${milliseconds})`,
      ),
  };
}

async function databaseWithClock(run: TestEngine['run']): Promise<string> {
  const uri = await sharedPostgresql();
  await run(
    uri,
    `create schema test_clock;
    create sequence test_clock.moments start ${BEGINNING};
    create function test_clock.clock_timestamp() returns timestamptz language sql
      as $$ select to_timestamp(nextval('test_clock.moments') / 1000.0) $$`,
  );
  const { pathname } = new URL(uri);
  await run(uri, `alter database ${pathname.slice(1)} set search_path = public, test_clock, pg_catalog`);
  return uri;
}
