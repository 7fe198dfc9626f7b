import { type Kysely, type SqlBool, sql, type Transaction } from 'kysely';
import type { Engine } from './engine.ts';
import type { Schema } from './schema.ts';
import type { Write } from './write.ts';

/** What failures are counted for: a name, an address, or a name from an address; `undefined` stands for any. */
export interface Counted {
  readonly username: string | undefined;
  readonly ip: string | undefined;
}

/** How often a user has failed, and until when that counts (milliseconds since the epoch). */
export interface Failures extends Counted {
  readonly failures: number;
  readonly until: number;
}

/** How failures are counted. */
export interface Counting {
  /** So many and it is locked. */
  readonly limit: number;
  readonly windowMs: number;
  readonly lockoutMs: number;
}

/** Where a list goes on: behind the last row that was shown. */
export interface After {
  readonly username: string;
  readonly ip: string;
}

/**
 * Failed sign-ins, counted together by all gateways on one store. Read afresh for each sign-in that needs it, so they
 * have no part in the change feed. What time it is the store says, as gateways' own clocks may differ.
 */
export interface Throttles {
  /**
   * The failures that still count for some names and addresses; those without any are left out.
   *
   * @param longestMs - the longer one of window and lockout. What would count for twice as long is not counted: it was
   * written by a clock that has been put back since.
   */
  of(counted: readonly Counted[], longestMs?: number): Promise<readonly Failures[]>;
  /**
   * Counts one more failure for each. The first opens a window; the one that reaches the limit locks for as long as a
   * lockout is; what is past counts no more.
   */
  add(counted: readonly (Counted & Counting)[]): Promise<void>;
  /** Forgets the failures of exactly this. */
  forget(counted: Counted): Promise<void>;
  /** What has failed so often, of names, addresses and both: `limitOf` a count locks. In a fixed order, a page at a time. */
  locked(
    limits: { readonly pair: number; readonly single: number; readonly longestMs?: number },
    page: { readonly after: After | undefined; readonly max: number },
  ): Promise<readonly Failures[]>;
  /** Forgets all failures that have to do with a name, or with an address. */
  clear(which: { readonly username?: string; readonly ip?: string }): Promise<void>;
}

/** How the store writes "any": neither a name nor an address is empty. */
const ANY = '';

/** A hundred years, for a caller who names no time. */
const VERY_LONG_MS = 100 * 365 * 86_400_000;

export function createThrottles(db: Kysely<Schema>, write: Write, { now }: Pick<Engine, 'now'>): Throttles {
  const counts = (longestMs = VERY_LONG_MS) =>
    sql<SqlBool>`until > ${now()} and until <= ${now()} + ${2 * longestMs}`;

  return {
    async of(counted, longestMs) {
      const rows = await db
        .selectFrom('throttles')
        .selectAll()
        .where(counts(longestMs))
        .where((where) => where.or(counted.map((each) => where.and(keyOf(each)))))
        .execute();
      return rows.map(readRow);
    },

    add: (counted) =>
      write(async (transaction, _announce, moment) => {
        const longestMs = Math.max(...counted.flatMap(({ windowMs, lockoutMs }) => [windowMs, lockoutMs]));
        await transaction
          .deleteFrom('throttles')
          .where((where) =>
            where.or([where('until', '<=', moment), where('until', '>', moment + 2 * longestMs)]),
          )
          .execute();
        for (const each of counted) {
          await count(transaction, each, moment);
        }
      }),

    forget: (counted) =>
      write(async (transaction) => {
        const { username, ip } = keyOf(counted);
        await transaction
          .deleteFrom('throttles')
          .where('username', '=', username)
          .where('ip', '=', ip)
          .execute();
      }),

    async locked(limits, { after, max }) {
      const rows = await lockedQuery(db, limits, after).where(counts(limits.longestMs)).limit(max).execute();
      return rows.map(readRow);
    },

    clear: ({ username, ip }) =>
      write(async (transaction) => {
        if (username !== undefined) {
          await transaction.deleteFrom('throttles').where('username', '=', username).execute();
        }
        if (ip !== undefined) {
          await transaction.deleteFrom('throttles').where('ip', '=', ip).execute();
        }
      }),
  };
}

function keyOf({ username, ip }: Counted): { readonly username: string; readonly ip: string } {
  return { username: username ?? ANY, ip: ip ?? ANY };
}

async function count(
  transaction: Transaction<Schema>,
  { limit, windowMs, lockoutMs, ...counted }: Counted & Counting,
  now: number,
): Promise<void> {
  await transaction
    .insertInto('throttles')
    .values({ ...keyOf(counted), failures: 1, until: now + (limit <= 1 ? lockoutMs : windowMs) })
    .onConflict((conflict) =>
      conflict.columns(['username', 'ip']).doUpdateSet({
        failures: sql`throttles.failures + 1`,
        until: sql`case when throttles.failures + 1 >= ${limit} then ${now + lockoutMs} else throttles.until end`,
      }),
    )
    .execute();
}

/** What has reached its limit, in the order of names, then addresses. */
function lockedQuery(
  db: Kysely<Schema>,
  { pair, single }: { readonly pair: number; readonly single: number },
  after: After | undefined,
) {
  const query = db
    .selectFrom('throttles')
    .selectAll()
    .where((where) =>
      where.or([
        where.and([where('username', '!=', ANY), where('ip', '!=', ANY), where('failures', '>=', pair)]),
        where.and([
          where.or([where('username', '=', ANY), where('ip', '=', ANY)]),
          where('failures', '>=', single),
        ]),
      ]),
    )
    .orderBy('username')
    .orderBy('ip');
  if (after === undefined) {
    return query;
  }
  return query.where((where) =>
    where.or([
      where('username', '>', after.username),
      where.and([where('username', '=', after.username), where('ip', '>', after.ip)]),
    ]),
  );
}

function readRow(row: Schema['throttles']): Failures {
  return {
    username: row.username === ANY ? undefined : row.username,
    ip: row.ip === ANY ? undefined : row.ip,
    failures: row.failures,
    until: Number(row.until),
  };
}
