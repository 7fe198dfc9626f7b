import type { Kysely, Selectable, Transaction } from 'kysely';
import type { Schema } from './schema.ts';
import type { Subject } from './types.ts';
import type { Write } from './write.ts';

/** A session that began at a provider of single sign-on. */
export interface ProviderSession extends Subject {
  readonly sessionId: string;
  /** The session there, where the provider names it. */
  readonly sid: string | undefined;
  /** Sealed; undefined where the provider has given none. */
  readonly refreshToken: string | undefined;
  readonly idToken: string | undefined;
  /** From when on the provider is to be asked whether it still holds, in milliseconds since the epoch. */
  readonly checkAt: number;
}

/** Whose sessions end: those of one session there, of one subject, or both. */
export interface EndedThere {
  readonly issuer: string;
  readonly subject: string | undefined;
  readonly sid: string | undefined;
}

/** Sessions that began at providers. They are gone with their sessions. */
export interface ProviderSessions {
  add(session: ProviderSession): Promise<void>;
  get(sessionId: string): Promise<ProviderSession | undefined>;
  /** The ids of sessions that a provider says have ended. */
  endedThere(ended: EndedThere): Promise<readonly string[]>;
  /**
   * Takes it upon oneself to ask the provider, for some time: a token to refresh by is good once, and whoever shows it a
   * second time is taken for a thief.
   *
   * @param checkAt - as it was read: clocks may differ, and it is changed by whoever had an answer meanwhile.
   * @returns undefined if another gateway does so, or did just now.
   */
  hold(sessionId: string, checkAt: number, forMs: number): Promise<ProviderSession | undefined>;
  /** Notes what the provider has said. */
  checked(
    sessionId: string,
    next: Pick<ProviderSession, 'refreshToken' | 'idToken' | 'checkAt'>,
  ): Promise<void>;
  /** Gives up asking, without an answer. */
  release(sessionId: string): Promise<void>;
  /** Notes that a sign-in has come back; false if it has before. */
  use(key: string, forMs: number): Promise<boolean>;
}

export function createProviderSessions(db: Kysely<Schema>, write: Write): ProviderSessions {
  return {
    ...readingProviderSessions(db),
    add: (session) => write((transaction) => insert(transaction, session)),

    hold: (sessionId, checkAt, forMs) =>
      write(async (transaction, _announce, now) => {
        const row = await transaction
          .updateTable('provider_sessions')
          .set({ held_until: now + forMs })
          .where('session_id', '=', sessionId)
          .where('check_at', '=', checkAt)
          .where('held_until', '<=', now)
          .returningAll()
          .executeTakeFirst();
        return row && readProviderSession(row);
      }),

    checked: (sessionId, { refreshToken, idToken, checkAt }) =>
      write(async (transaction) => {
        await transaction
          .updateTable('provider_sessions')
          .set({
            refresh_token: refreshToken ?? null,
            id_token: idToken ?? null,
            check_at: checkAt,
            held_until: 0,
          })
          .where('session_id', '=', sessionId)
          .execute();
      }),

    release: (sessionId) =>
      write(async (transaction) => {
        await transaction
          .updateTable('provider_sessions')
          .set({ held_until: 0 })
          .where('session_id', '=', sessionId)
          .execute();
      }),

    use: (key, forMs) =>
      write(async (transaction, _announce, now) => {
        await transaction.deleteFrom('used_sign_ins').where('until', '<', now).execute();
        const row = await transaction
          .insertInto('used_sign_ins')
          .values({ key, until: now + forMs })
          .onConflict((conflict) => conflict.doNothing())
          .returning('key')
          .executeTakeFirst();
        return row !== undefined;
      }),
  };
}

async function insert(transaction: Transaction<Schema>, session: ProviderSession): Promise<void> {
  await transaction
    .insertInto('provider_sessions')
    .values({
      session_id: session.sessionId,
      issuer: session.issuer,
      subject: session.subject,
      sid: session.sid ?? null,
      refresh_token: session.refreshToken ?? null,
      id_token: session.idToken ?? null,
      check_at: session.checkAt,
      held_until: 0,
    })
    .execute();
}

function readingProviderSessions(db: Kysely<Schema>): Pick<ProviderSessions, 'get' | 'endedThere'> {
  return {
    async get(sessionId) {
      const row = await db
        .selectFrom('provider_sessions')
        .selectAll()
        .where('session_id', '=', sessionId)
        .executeTakeFirst();
      return row && readProviderSession(row);
    },

    async endedThere({ issuer, subject, sid }) {
      let query = db.selectFrom('provider_sessions').select('session_id').where('issuer', '=', issuer);
      if (subject !== undefined) {
        query = query.where('subject', '=', subject);
      }
      if (sid !== undefined) {
        // Of a session there that was not named when it began, it is only known whose it is.
        query = query.where((where) =>
          subject === undefined
            ? where('sid', '=', sid)
            : where.or([where('sid', '=', sid), where('sid', 'is', null)]),
        );
      }
      return (await query.execute()).map((row) => row.session_id);
    },
  };
}

function readProviderSession(row: Selectable<Schema['provider_sessions']>): ProviderSession {
  return {
    sessionId: row.session_id,
    issuer: row.issuer,
    subject: row.subject,
    sid: row.sid ?? undefined,
    refreshToken: row.refresh_token ?? undefined,
    idToken: row.id_token ?? undefined,
    checkAt: row.check_at,
  };
}
