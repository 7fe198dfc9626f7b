import type { Kysely, Selectable, Transaction } from 'kysely';
import { noteUses, removeCredential } from './credentials.ts';
import type { Engine } from './engine.ts';
import type { Schema } from './schema.ts';
import type { Session } from './types.ts';
import type { Write } from './write.ts';

/** How many sessions one user may have: the one that was used longest ago makes room. */
export const MOST_SESSIONS = 100;

/** How long a use may take to be written: a session that looks unused for a while may have been used since. */
const NOTED_WITHIN_MS = 2 * 60_000;

export interface NewSession {
  readonly id: string;
  readonly userId: number;
  /** What is kept of its secret. */
  readonly hash: string;
  /** How long it lives at most, in milliseconds. */
  readonly lifeMs: number;
  /** How long it lives unused. */
  readonly idleMs: number;
  /** The address that it was begun from. */
  readonly ip: string | undefined;
  readonly userAgent: string | undefined;
}

/** Whose a secret is. */
export type SessionOwner = Pick<Session, 'username' | 'lastUsedAt' | 'expiresAt'>;

/** What a list of sessions is about, and where it goes on. */
export interface SessionPage {
  /** Undefined for everybody's. */
  readonly userId: number | undefined;
  /** The id of the last one of the page before. */
  readonly after: string | undefined;
  readonly max: number;
  /** How long one lives unused, in milliseconds: those that have ended are not listed. */
  readonly idleMs: number;
}

/**
 * Browsers in which users have signed in. A user's sessions end with the user, when the user is disabled, and when the
 * password changes: {@link Users} does that.
 */
export interface Sessions {
  /** Begins a session. Those of anybody that have ended are forgotten. */
  create(session: NewSession): Promise<Session>;
  get(id: string): Promise<Session | undefined>;
  /** The session of the secret with this hash, ended or not. */
  byHash(hash: string): Promise<Session | undefined>;
  /** Those that have not ended, in the order of their ids, which is that of their beginning. */
  list(page: SessionPage): Promise<readonly Session[]>;
  /** Whose the secrets with these hashes are, ended or not; those that are nobody's are left out. */
  ownersOf(hashes: readonly string[]): Promise<ReadonlyMap<string, SessionOwner>>;
  remove(id: string): Promise<boolean>;
  /** Notes when sessions were last used, unless that is known to within `everyMs`. Changes nothing of what a user may do. */
  noteUse(uses: ReadonlyMap<string, number>, everyMs: number): Promise<void>;
  /** Forgets those that have ended; `idleMs` as in {@link SessionPage}. */
  prune(idleMs: number): Promise<void>;
}

export function createSessions(db: Kysely<Schema>, write: Write, engine: Pick<Engine, 'now'>): Sessions {
  return {
    ...readingSessions(db, engine),
    create: (session) =>
      write(async (transaction, announce, now) => {
        const ended = await forgetEnded(transaction, now, session.idleMs);
        const pushedOut = await makeRoom(transaction, session.userId);
        await insert(transaction, session, now);
        for (const userId of [...ended, ...pushedOut, session.userId]) {
          announce(userId);
        }
        const made = await find(transaction, session.id);
        if (made === undefined) {
          throw new Error('a session is gone within the transaction that began it');
        }
        return made;
      }),

    remove: (id) => removeCredential(write, 'sessions', id),

    noteUse: (uses, everyMs) => noteUses(write, 'sessions', uses, everyMs),

    prune: (idleMs) =>
      write(async (transaction, announce, now) => {
        for (const userId of await forgetEnded(transaction, now, idleMs)) {
          announce(userId);
        }
      }),
  };
}

function readingSessions(
  db: Kysely<Schema>,
  { now }: Pick<Engine, 'now'>,
): Pick<Sessions, 'get' | 'byHash' | 'list' | 'ownersOf'> {
  return {
    get: (id) => find(db, id),

    async byHash(hash) {
      const row = await withOwner(db).where('sessions.hash', '=', hash).executeTakeFirst();
      return row && readSession(row, row.username);
    },

    async list({ userId, after, max, idleMs }) {
      let query = withOwner(db)
        .where('sessions.expires_at', '>', now())
        .where(({ eb }) => eb(eb('sessions.last_used_at', '+', idleMs), '>', now()))
        .orderBy('sessions.id')
        .limit(max);
      if (userId !== undefined) {
        query = query.where('sessions.user_id', '=', userId);
      }
      if (after !== undefined) {
        query = query.where('sessions.id', '>', after);
      }
      return (await query.execute()).map((row) => readSession(row, row.username));
    },

    async ownersOf(hashes) {
      const rows = await withOwner(db)
        .where('sessions.hash', 'in', [...hashes])
        .execute();
      return new Map(rows.map((row) => [row.hash, readSession(row, row.username)]));
    },
  };
}

const withOwner = (db: Kysely<Schema>) =>
  db
    .selectFrom('sessions')
    .innerJoin('users', 'users.id', 'sessions.user_id')
    .selectAll('sessions')
    .select('users.username');

async function find(db: Kysely<Schema>, id: string): Promise<Session | undefined> {
  const row = await withOwner(db).where('sessions.id', '=', id).executeTakeFirst();
  return row && readSession(row, row.username);
}

async function insert(transaction: Transaction<Schema>, session: NewSession, now: number): Promise<void> {
  await transaction
    .insertInto('sessions')
    .values({
      id: session.id,
      user_id: session.userId,
      hash: session.hash,
      created_at: now,
      last_used_at: now,
      expires_at: now + session.lifeMs,
      ip: session.ip ?? null,
      user_agent: session.userAgent ?? null,
    })
    .execute();
}

/** @returns whose they were. */
async function forgetEnded(
  transaction: Transaction<Schema>,
  now: number,
  idleMs: number,
): Promise<readonly number[]> {
  const rows = await transaction
    .deleteFrom('sessions')
    .where((where) =>
      where.or([where('expires_at', '<=', now), where('last_used_at', '<', now - idleMs - NOTED_WITHIN_MS)]),
    )
    .returning('user_id')
    .execute();
  return rows.map((row) => row.user_id);
}

/** @returns whose they were. */
async function makeRoom(transaction: Transaction<Schema>, userId: number): Promise<readonly number[]> {
  const kept = await transaction
    .selectFrom('sessions')
    .select('id')
    .where('user_id', '=', userId)
    .orderBy('last_used_at', 'desc')
    .orderBy('id', 'desc')
    .limit(MOST_SESSIONS - 1)
    .execute();
  if (kept.length < MOST_SESSIONS - 1) {
    return [];
  }
  const ids = kept.map(({ id }) => id);
  const rows = await transaction
    .deleteFrom('sessions')
    .where('user_id', '=', userId)
    .where('id', 'not in', ids)
    .returning('user_id')
    .execute();
  return rows.map((row) => row.user_id);
}

/** Ends a user's sessions, but for the one with this id. */
export async function endSessions(
  transaction: Transaction<Schema>,
  userId: number,
  butFor?: string,
): Promise<void> {
  let query = transaction.deleteFrom('sessions').where('user_id', '=', userId);
  if (butFor !== undefined) {
    query = query.where('id', '!=', butFor);
  }
  await query.execute();
}

/** The sessions of a user whose time is not over, under the hashes of their secrets. */
export async function liveSessions(
  db: Kysely<Schema>,
  user: { readonly id: number; readonly username: string },
  { now }: Pick<Engine, 'now'>,
): Promise<ReadonlyMap<string, Session>> {
  const rows = await db
    .selectFrom('sessions')
    .selectAll()
    .where('user_id', '=', user.id)
    .where('expires_at', '>', now())
    .execute();
  return new Map(rows.map((row) => [row.hash, readSession(row, user.username)]));
}

function readSession(row: Selectable<Schema['sessions']>, username: string): Session {
  return {
    id: row.id,
    userId: row.user_id,
    username,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
    expiresAt: row.expires_at,
    ip: row.ip ?? undefined,
    userAgent: row.user_agent ?? undefined,
  };
}
