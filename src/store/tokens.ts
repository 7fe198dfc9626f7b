import type { Kysely, Selectable, Transaction } from 'kysely';
import { z } from 'zod';
import { ApiError } from '../errors.ts';
import type { Ceiling } from '../policy/ceiling.ts';
import { ROOT_KINDS } from '../policy/resources.ts';
import { noteUses, removeCredential } from './credentials.ts';
import type { Engine } from './engine.ts';
import type { Schema } from './schema.ts';
import type { Token } from './types.ts';
import type { Write } from './write.ts';

/** How many tokens one user may have that have not expired: all of them are remembered beside the user. */
export const MOST_TOKENS = 1000;

/** How long an expired token stays in the list of its user. */
const EXPIRED_KEPT_MS = 30 * 86_400_000;

/** What is kept of a secret. */
export interface KeptSecret {
  readonly hash: string;
  readonly prefix: string;
}

export interface NewToken extends KeptSecret {
  readonly id: string;
  readonly userId: number;
  readonly name: string;
  readonly ceiling: Ceiling | undefined;
  /** How long it lives, in milliseconds; undefined for ever. */
  readonly lifeMs: number | undefined;
  /** The latest moment at which it may end; undefined for any. */
  readonly notAfter?: number | undefined;
  /** The name of the user who makes it. */
  readonly createdBy: string;
}

/** Whose a secret is. */
export interface TokenOwner {
  readonly username: string;
  readonly expiresAt: number | undefined;
}

/** What a list of tokens is about, and where it goes on. */
export interface TokenPage {
  /** Undefined for everybody's. */
  readonly userId: number | undefined;
  /** The id of the last one of the page before. */
  readonly after: string | undefined;
  readonly max: number;
}

/** Tokens by which users sign in. Those that name an id answer undefined or false if there is no such token. */
export interface Tokens {
  /** @throws ApiError BAD_REQUEST if the user has {@link MOST_TOKENS} already. */
  create(token: NewToken): Promise<Token>;
  get(id: string): Promise<Token | undefined>;
  /** In the order of their ids, which is that of their making. */
  list(page: TokenPage): Promise<readonly Token[]>;
  /** Whose the secrets with these hashes are, expired or not; those that are nobody's are left out. */
  ownersOf(hashes: readonly string[]): Promise<ReadonlyMap<string, TokenOwner>>;
  /** Gives a token another secret, which begins to live now, as long as `lifeMs` says. */
  rotate(id: string, secret: KeptSecret & Pick<NewToken, 'lifeMs' | 'notAfter'>): Promise<Token | undefined>;
  remove(id: string): Promise<boolean>;
  /** Notes when tokens were last used, unless that is known to within `everyMs`. Changes nothing of what a user may do. */
  noteUse(uses: ReadonlyMap<string, number>, everyMs: number): Promise<void>;
}

export function createTokens(db: Kysely<Schema>, write: Write): Tokens {
  return {
    ...readingTokens(db),
    create: (token) =>
      write(async (transaction, announce, now) => {
        await makeRoom(transaction, token.userId, now);
        await insert(transaction, token, now);
        announce(token.userId);
        const made = await find(transaction, token.id);
        if (made === undefined) {
          throw new Error('a token is gone within the transaction that made it');
        }
        return made;
      }),

    rotate: (id, { hash, prefix, lifeMs, notAfter }) =>
      write(async (transaction, announce, now) => {
        const row = await transaction
          .updateTable('tokens')
          .set({
            hash,
            prefix,
            created_at: now,
            expires_at: endOf(now, lifeMs, notAfter),
            last_used_at: null,
          })
          .where('id', '=', id)
          .returning('user_id')
          .executeTakeFirst();
        if (row === undefined) {
          return undefined;
        }
        announce(row.user_id);
        return find(transaction, id);
      }),

    remove: (id) => removeCredential(write, 'tokens', id),

    noteUse: (uses, everyMs) => noteUses(write, 'tokens', uses, everyMs),
  };
}

function readingTokens(db: Kysely<Schema>): Pick<Tokens, 'get' | 'list' | 'ownersOf'> {
  return {
    get: (id) => find(db, id),

    async list({ userId, after, max }) {
      let query = withOwner(db).orderBy('tokens.id').limit(max);
      if (userId !== undefined) {
        query = query.where('tokens.user_id', '=', userId);
      }
      if (after !== undefined) {
        query = query.where('tokens.id', '>', after);
      }
      return (await query.execute()).map((row) => readToken(row, row.username));
    },

    async ownersOf(hashes) {
      const rows = await withOwner(db)
        .where('tokens.hash', 'in', [...hashes])
        .execute();
      return new Map(
        rows.map(({ hash, username, expires_at }) => [
          hash,
          { username, expiresAt: expires_at ?? undefined },
        ]),
      );
    },
  };
}

const withOwner = (db: Kysely<Schema>) =>
  db
    .selectFrom('tokens')
    .innerJoin('users', 'users.id', 'tokens.user_id')
    .selectAll('tokens')
    .select('users.username');

async function find(db: Kysely<Schema>, id: string): Promise<Token | undefined> {
  const row = await withOwner(db).where('tokens.id', '=', id).executeTakeFirst();
  return row && readToken(row, row.username);
}

async function insert(transaction: Transaction<Schema>, token: NewToken, now: number): Promise<void> {
  await transaction
    .insertInto('tokens')
    .values({
      id: token.id,
      user_id: token.userId,
      name: token.name,
      hash: token.hash,
      prefix: token.prefix,
      scope: token.ceiling === undefined ? null : JSON.stringify(token.ceiling),
      created_at: now,
      expires_at: endOf(now, token.lifeMs, token.notAfter),
      created_by: token.createdBy,
    })
    .execute();
}

/** The tokens of a user that have not expired, under the hashes of their secrets. */
export async function liveTokens(
  db: Kysely<Schema>,
  user: { readonly id: number; readonly username: string },
  { now }: Pick<Engine, 'now'>,
): Promise<ReadonlyMap<string, Token>> {
  const rows = await db
    .selectFrom('tokens')
    .selectAll()
    .where('user_id', '=', user.id)
    .where((where) => where.or([where('expires_at', 'is', null), where('expires_at', '>', now())]))
    .execute();
  return new Map(rows.map((row) => [row.hash, readToken(row, user.username)]));
}

/** @throws ApiError BAD_REQUEST if there is none. */
async function makeRoom(transaction: Transaction<Schema>, userId: number, now: number): Promise<void> {
  await transaction
    .deleteFrom('tokens')
    .where('user_id', '=', userId)
    .where('expires_at', '<', now - EXPIRED_KEPT_MS)
    .execute();
  const { count } = await transaction
    .selectFrom('tokens')
    .select(({ fn }) => fn.countAll<number | string>().as('count'))
    .where('user_id', '=', userId)
    .where((where) => where.or([where('expires_at', 'is', null), where('expires_at', '>', now)]))
    .executeTakeFirstOrThrow();
  if (Number(count) >= MOST_TOKENS) {
    throw new ApiError(
      'BAD_REQUEST',
      `A user can have ${MOST_TOKENS} tokens. Delete some that are not needed any more.`,
    );
  }
}

function endOf(now: number, lifeMs: number | undefined, notAfter: number | undefined): number | null {
  const end = lifeMs === undefined ? undefined : now + lifeMs;
  if (end === undefined || notAfter === undefined) {
    return end ?? notAfter ?? null;
  }
  return Math.min(end, notAfter);
}

const ceiling = z.strictObject({
  access: z.literal('read').exactOptional(),
  resources: z.array(z.strictObject({ kind: z.enum(ROOT_KINDS), id: z.string() })).exactOptional(),
});

/** What the store holds of a scope that is not one opens nothing. */
function readScope(scope: string): Ceiling {
  return ceiling.safeParse(JSON.parse(scope)).data ?? { access: 'read', resources: [] };
}

function readToken(row: Selectable<Schema['tokens']>, username: string): Token {
  return {
    id: row.id,
    userId: row.user_id,
    username,
    name: row.name,
    prefix: row.prefix,
    ceiling: row.scope === null ? undefined : readScope(row.scope),
    createdAt: row.created_at,
    expiresAt: row.expires_at ?? undefined,
    lastUsedAt: row.last_used_at ?? undefined,
    createdBy: row.created_by ?? undefined,
  };
}
