import type { Kysely, Transaction } from 'kysely';
import { alreadyExists, invalid } from '../errors.ts';
import { keepingAdmin } from './last-admin.ts';
import { type Followed, followGroups, type GroupsSaid } from './provider-groups.ts';
import type { Schema } from './schema.ts';
import type { Subject } from './types.ts';
import { refuseMissingUser } from './users.ts';
import type { Write } from './write.ts';

/** Whom it calls so. */
export interface Identity extends Subject {
  readonly userId: number;
  readonly username: string;
  /** Whether the user was made for it. */
  readonly isBrought: boolean;
}

export interface NewIdentity extends Subject {
  readonly userId: number;
  readonly isBrought: boolean;
}

/** Whom the providers of single sign-on call whom. */
export interface Identities {
  get(subject: Subject): Promise<Identity | undefined>;
  ofUser(userId: number): Promise<readonly Identity[]>;
  /** How many users each issuer means. */
  countByIssuer(): Promise<ReadonlyMap<string, number>>;
  /**
   * Says that a provider means this user.
   *
   * @throws ApiError RESOURCE_ALREADY_EXISTS if it means another, INVALID_PARAMETER_VALUE if it calls this one otherwise,
   * RESOURCE_DOES_NOT_EXIST if there is no such user.
   */
  link(identity: NewIdentity): Promise<boolean>;
  /**
   * Takes that back, the user out of all groups of the provider and the sessions that began there; false if there was nothing
   * to take back.
   *
   * @throws ApiError BAD_REQUEST if that would leave no admin who may sign in.
   */
  unlink(userId: number, issuer: string): Promise<boolean>;
  /** Has the user in the groups that the provider says now; undefined if it has said something newer, or means nobody. */
  followGroups(subject: Subject, said: GroupsSaid): Promise<Followed | undefined>;
}

/** @param adminsBy - see `StoreOptions`. */
export function createIdentities(db: Kysely<Schema>, write: Write, adminsBy?: readonly string[]): Identities {
  return {
    get: ({ issuer, subject }) =>
      identityQuery(db)
        .where('i.issuer', '=', issuer)
        .where('i.subject', '=', subject)
        .executeTakeFirst()
        .then((row) => row && readIdentity(row)),

    async ofUser(userId) {
      const rows = await identityQuery(db).where('i.user_id', '=', userId).orderBy('i.issuer').execute();
      return rows.map(readIdentity);
    },

    async countByIssuer() {
      const rows = await db
        .selectFrom('identities')
        .select(({ fn }) => ['issuer', fn.countAll<number | string>().as('count')])
        .groupBy('issuer')
        .orderBy('issuer')
        .execute();
      return new Map(rows.map(({ issuer, count }) => [issuer, Number(count)]));
    },

    link: (identity) =>
      write(async (transaction, announce, now) => {
        await refuseMissingUser(transaction, identity.userId);
        if (await isLinked(transaction, identity)) {
          return false;
        }
        await transaction
          .insertInto('identities')
          .values({
            issuer: identity.issuer,
            subject: identity.subject,
            user_id: identity.userId,
            brought: identity.isBrought ? 1 : 0,
            as_of: 0,
            created_at: now,
          })
          .execute();
        announce(identity.userId);
        return true;
      }),

    unlink: (userId, issuer) =>
      write(async (transaction, announce) => {
        const done = await keepingAdmin(transaction, adminsBy, () => unlink(transaction, userId, issuer));
        announce(userId);
        return done;
      }),

    followGroups: (subject, said) => write((...by) => followGroups(by, subject, said)),
  };
}

async function unlink(transaction: Transaction<Schema>, userId: number, issuer: string): Promise<boolean> {
  const { numDeletedRows } = await transaction
    .deleteFrom('identities')
    .where('user_id', '=', userId)
    .where('issuer', '=', issuer)
    .executeTakeFirstOrThrow();
  await transaction
    .deleteFrom('role_members')
    .where('user_id', '=', userId)
    .where('issuer', '=', issuer)
    .execute();
  // So do the sessions that it has begun: they are the user's no longer.
  await transaction
    .deleteFrom('sessions')
    .where('user_id', '=', userId)
    .where('id', 'in', (query) =>
      query.selectFrom('provider_sessions').select('session_id').where('issuer', '=', issuer),
    )
    .execute();
  return numDeletedRows > 0n;
}

/** Whether a provider means this user already. */
async function isLinked(transaction: Transaction<Schema>, wanted: NewIdentity): Promise<boolean> {
  const { issuer, subject, userId } = wanted;
  const rows = await identityQuery(transaction)
    .where('i.issuer', '=', issuer)
    .where((where) => where.or([where('i.subject', '=', subject), where('i.user_id', '=', userId)]))
    .execute();
  const other = rows.find((row) => row.user_id !== userId);
  if (other !== undefined) {
    throw alreadyExists(`The subject is linked to another user (username=${other.username}).`);
  }
  if (rows.some((row) => row.subject !== subject)) {
    throw invalid('The user is linked to another subject of this provider. Unlink that first.');
  }
  return rows.length > 0;
}

function identityQuery(db: Kysely<Schema>) {
  return db
    .selectFrom('identities as i')
    .innerJoin('users as u', 'u.id', 'i.user_id')
    .select(['i.issuer', 'i.subject', 'i.user_id', 'i.brought', 'u.username']);
}

function readIdentity(row: {
  readonly issuer: string;
  readonly subject: string;
  readonly user_id: number;
  readonly brought: number;
  readonly username: string;
}): Identity {
  const { issuer, subject, username } = row;
  return { issuer, subject, username, userId: row.user_id, isBrought: row.brought === 1 };
}
