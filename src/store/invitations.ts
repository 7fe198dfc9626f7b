import type { Kysely, Selectable, Transaction } from 'kysely';
import type { Engine } from './engine.ts';
import type { Schema } from './schema.ts';
import type { Invitation, InvitationKind } from './types.ts';
import type { Write } from './write.ts';

export interface NewInvitation {
  readonly id: string;
  readonly userId: number;
  /** What is kept of its secret. */
  readonly hash: string;
  readonly kind: InvitationKind;
  /** How long it counts, in milliseconds. */
  readonly lifeMs: number;
  /** The name of the user who makes it. */
  readonly createdBy: string;
}

/** What a list of invitations is about, and where it goes on. */
export interface InvitationPage {
  /** Undefined for everybody's. */
  readonly userId: number | undefined;
  /** The id of the last one of the page before. */
  readonly after: string | undefined;
  readonly max: number;
}

/**
 * Links by which users choose a password, once: of those who are invited, and of those whose password is reset. A user has
 * one at most. It ends with the user, when the user is disabled, when the password is set, and when whoever made it is no admin
 * any more: {@link Users} does that.
 */
export interface Invitations {
  /** Makes one, which ends the one that the user had. Those of anybody that have ended are forgotten. */
  create(invitation: NewInvitation): Promise<Invitation>;
  /** One that has not ended. */
  get(id: string): Promise<Invitation | undefined>;
  /** The one of the secret with this hash, unless it has ended. */
  byHash(hash: string): Promise<Invitation | undefined>;
  /** Those that have not ended, in the order of their ids, which is that of their making. */
  list(page: InvitationPage): Promise<readonly Invitation[]>;
  /** Ends the one of the secret with this hash and answers it, unless it has ended: of many who take it, one gets it. */
  take(hash: string): Promise<Invitation | undefined>;
  /** @returns false if there is none. */
  remove(id: string): Promise<boolean>;
}

export function createInvitations(
  db: Kysely<Schema>,
  write: Write,
  { now }: Pick<Engine, 'now'>,
): Invitations {
  const open = (on: Kysely<Schema>) =>
    on
      .selectFrom('invitations')
      .innerJoin('users', 'users.id', 'invitations.user_id')
      .selectAll('invitations')
      .select('users.username')
      // An older gateway on the same store disables a user and leaves the link.
      .where('users.is_active', '=', 1)
      .where('invitations.expires_at', '>', now());
  const find = async (on: Kysely<Schema>, by: 'id' | 'hash', value: string) => {
    const row = await open(on).where(`invitations.${by}`, '=', value).executeTakeFirst();
    return row && readInvitation(row);
  };

  return {
    create: (invitation) =>
      write(async (transaction, _announce, at) => {
        await transaction
          .deleteFrom('invitations')
          .where((where) =>
            where.or([where('user_id', '=', invitation.userId), where('expires_at', '<=', at)]),
          )
          .execute();
        await insert(transaction, invitation, at);
        const made = await find(transaction, 'id', invitation.id);
        if (made === undefined) {
          throw new Error('an invitation is gone within the transaction that made it');
        }
        return made;
      }),
    get: (id) => find(db, 'id', id),
    byHash: (hash) => find(db, 'hash', hash),
    async list({ userId, after, max }) {
      let query = open(db).orderBy('invitations.id').limit(max);
      if (userId !== undefined) {
        query = query.where('invitations.user_id', '=', userId);
      }
      if (after !== undefined) {
        query = query.where('invitations.id', '>', after);
      }
      return (await query.execute()).map(readInvitation);
    },
    take: (hash) =>
      write(async (transaction) => {
        const found = await find(transaction, 'hash', hash);
        if (found !== undefined) {
          await endInvitations(transaction, found.userId);
        }
        return found;
      }),
    remove: (id) =>
      write(async (transaction) => {
        const { numDeletedRows } = await transaction
          .deleteFrom('invitations')
          .where('id', '=', id)
          .executeTakeFirstOrThrow();
        return numDeletedRows > 0n;
      }),
  };
}

async function insert(
  transaction: Transaction<Schema>,
  { id, userId, hash, kind, lifeMs, createdBy }: NewInvitation,
  now: number,
): Promise<void> {
  await transaction
    .insertInto('invitations')
    .values({
      ...{ id, hash, kind },
      user_id: userId,
      created_at: now,
      expires_at: now + lifeMs,
      created_by: createdBy,
    })
    .execute();
}

/** Ends the link of a user, where there is one. */
export async function endInvitations(transaction: Transaction<Schema>, userId: number): Promise<void> {
  await transaction.deleteFrom('invitations').where('user_id', '=', userId).execute();
}

/** Ends the links that a user has made for others: whoever is no admin any more is not to choose passwords by them. */
export async function endInvitationsBy(transaction: Transaction<Schema>, userId: number): Promise<void> {
  await transaction
    .deleteFrom('invitations')
    .where('created_by', '=', ({ selectFrom }) =>
      selectFrom('users').select('username').where('users.id', '=', userId),
    )
    .execute();
}

function readInvitation(row: Selectable<Schema['invitations']> & { readonly username: string }): Invitation {
  return {
    id: row.id,
    userId: row.user_id,
    username: row.username,
    kind: row.kind,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    createdBy: row.created_by,
  };
}
