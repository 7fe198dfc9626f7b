import { type Kysely, sql } from 'kysely';
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
 * have no part in the change feed.
 */
export interface Throttles {
  /** The failures that still count for some names and addresses; those without any are left out. */
  of(counted: readonly Counted[]): Promise<readonly Failures[]>;
  /**
   * Counts one more failure for each. The first opens a window; the one that reaches the limit locks for as long as a
   * lockout is; what is past counts no more.
   */
  add(counted: readonly (Counted & Counting)[]): Promise<void>;
  /** Forgets the failures of exactly this. */
  forget(counted: Counted): Promise<void>;
  /** What has failed so often, of names, addresses and both: `limitOf` a count locks. In a fixed order, a page at a time. */
  locked(
    limits: { readonly pair: number; readonly single: number },
    page: { readonly after: After | undefined; readonly max: number },
  ): Promise<readonly Failures[]>;
  /** Forgets all failures that have to do with a name, or with an address. */
  clear(which: { readonly username?: string; readonly ip?: string }): Promise<void>;
}

/** How the store writes "any": neither a name nor an address is empty. */
const ANY = '';

export function createThrottles(db: Kysely<Schema>, write: Write, clock: () => number): Throttles {
  const keyOf = ({ username, ip }: Counted) => ({ username: username ?? ANY, ip: ip ?? ANY });

  return {
    async of(counted) {
      const rows = await db
        .selectFrom('throttles')
        .selectAll()
        .where('until', '>', clock())
        .where((where) => where.or(counted.map((each) => where.and(keyOf(each)))))
        .execute();
      return rows.map(readRow);
    },

    add: (counted) =>
      write(async (transaction) => {
        const now = clock();
        await transaction.deleteFrom('throttles').where('until', '<=', now).execute();
        for (const { limit, windowMs, lockoutMs, ...each } of counted) {
          await transaction
            .insertInto('throttles')
            .values({ ...keyOf(each), failures: 1, until: now + (limit <= 1 ? lockoutMs : windowMs) })
            .onConflict((conflict) =>
              conflict.columns(['username', 'ip']).doUpdateSet({
                failures: sql`throttles.failures + 1`,
                until: sql`case when throttles.failures + 1 >= ${limit} then ${now + lockoutMs} else throttles.until end`,
              }),
            )
            .execute();
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

    async locked({ pair, single }, { after, max }) {
      let query = db
        .selectFrom('throttles')
        .selectAll()
        .where('until', '>', clock())
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
        .orderBy('ip')
        .limit(max);
      if (after !== undefined) {
        query = query.where((where) =>
          where.or([
            where('username', '>', after.username),
            where.and([where('username', '=', after.username), where('ip', '>', after.ip)]),
          ]),
        );
      }
      return (await query.execute()).map(readRow);
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

function readRow(row: Schema['throttles']): Failures {
  return {
    username: row.username === ANY ? undefined : row.username,
    ip: row.ip === ANY ? undefined : row.ip,
    failures: row.failures,
    until: Number(row.until),
  };
}
