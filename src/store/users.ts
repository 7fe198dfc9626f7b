import type { Kysely, Selectable, Transaction, Updateable } from 'kysely';
import { alreadyExists, notFound } from '../errors.ts';
import { ownRoleName } from '../policy/own-role.ts';
import { endInvitations, endInvitationsBy } from './invitations.ts';
import { refuseLastAdmin } from './last-admin.ts';
import type { Schema } from './schema.ts';
import { endSessions } from './sessions.ts';
import type { User } from './types.ts';
import type { Announce, Write } from './write.ts';

export interface NewUser {
  readonly username: string;
  readonly passwordHash: string;
  readonly isAdmin: boolean;
  readonly isService?: boolean | undefined;
  readonly mustChangePassword?: boolean | undefined;
  /** The name of the user who makes them. */
  readonly createdBy?: string | undefined;
  /** Since when there has been this user, in milliseconds since the epoch; now if left out. */
  readonly createdAt?: number;
}

/** The users. Verbs that name an id answer false if there is no such user. */
export interface Users {
  /** @throws ApiError RESOURCE_ALREADY_EXISTS if the name is taken, also in another case or Unicode form. */
  create(user: NewUser): Promise<User>;
  /** The user of exactly this name. */
  get(username: string): Promise<User | undefined>;
  getById(id: number): Promise<User | undefined>;
  /** Everybody, in the order of creation. */
  list(): Promise<readonly User[]>;
  /** Sets a password that another has chosen. The user's sessions end, and a link to choose one. */
  setPassword(id: number, passwordHash: string, mustChange?: boolean): Promise<boolean>;
  /**
   * Sets a password that the user has chosen, only while the hash is still `from`. The user's sessions end, but for the
   * one with the id `butFor`, and a link to choose one.
   */
  changePassword(id: number, from: string, to: string, butFor?: string): Promise<boolean>;
  /**
   * Replaces the hash of a password by another of the same one, only while it is still `from`, so that a password
   * changed meanwhile is not undone.
   */
  replacePasswordHash(id: number, from: string, to: string): Promise<boolean>;
  /** @throws ApiError BAD_REQUEST if that would leave no admin who may sign in. */
  setAdmin(id: number, isAdmin: boolean): Promise<boolean>;
  /**
   * The sessions of a user who may not sign in any more end, and a link to choose a password.
   *
   * @throws ApiError BAD_REQUEST if that would leave no admin who may sign in.
   */
  setActive(id: number, isActive: boolean): Promise<boolean>;
  /**
   * Deletes a user with grants, memberships and ownerships.
   *
   * @throws ApiError BAD_REQUEST if that would leave no admin who may sign in.
   */
  remove(id: number): Promise<boolean>;
}

/** @param adminsBy - see `StoreOptions`. */
export function createUsers(db: Kysely<Schema>, write: Write, adminsBy?: readonly string[]): Users {
  const keepAnAdmin = (transaction: Transaction<Schema>, id: number) =>
    refuseLastAdmin(transaction, id, adminsBy);
  const update = (id: number, values: Values, conditions: Conditions = {}): Promise<boolean> =>
    write((transaction, announce) => change(transaction, announce, id, values, conditions));

  return {
    create: (user) => write((transaction, announce, now) => insert(transaction, announce, now, user)),

    async get(username) {
      const row = await db
        .selectFrom('users')
        .selectAll()
        .where('username', '=', username)
        .executeTakeFirst();
      return row && readUser(row);
    },

    async getById(id) {
      const row = await db.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst();
      return row && readUser(row);
    },

    async list() {
      const rows = await db.selectFrom('users').selectAll().orderBy('id').execute();
      return rows.map(readUser);
    },

    setPassword: (id, passwordHash, mustChange = false) =>
      update(
        id,
        { password_hash: passwordHash, must_change_password: mustChange ? 1 : 0 },
        { after: endAll },
      ),
    changePassword: (id, from, to, butFor) =>
      update(
        id,
        { password_hash: to, must_change_password: 0 },
        { from, after: (transaction, user) => endAll(transaction, user, butFor) },
      ),
    replacePasswordHash: (id, from, to) => update(id, { password_hash: to }, { from }),

    setAdmin: (id, isAdmin) =>
      update(
        id,
        { is_admin: isAdmin ? 1 : 0 },
        isAdmin ? {} : { before: keepAnAdmin, after: endInvitationsBy },
      ),
    setActive: (id, isActive) =>
      update(
        id,
        { is_active: isActive ? 1 : 0 },
        isActive ? {} : { before: keepAnAdmin, after: endAllAndMade },
      ),

    remove: (id) =>
      write(async (transaction, announce) => {
        await keepAnAdmin(transaction, id);
        // What held the user's own grants in workspaces.
        await transaction.deleteFrom('roles').where('name', '=', ownRoleName(id)).execute();
        await endInvitationsBy(transaction, id);
        const { numDeletedRows } = await transaction
          .deleteFrom('users')
          .where('id', '=', id)
          .executeTakeFirstOrThrow();
        if (numDeletedRows > 0n) {
          announce(id);
        }
        return numDeletedRows > 0n;
      }),
  };
}

/** Ends the sessions of a user, but for one, and a link to choose a password. */
async function endAll(transaction: Transaction<Schema>, userId: number, butFor?: string): Promise<void> {
  await endSessions(transaction, userId, butFor);
  await endInvitations(transaction, userId);
}

/** Ends besides the links that a user has made for others, as an admin. */
async function endAllAndMade(transaction: Transaction<Schema>, userId: number): Promise<void> {
  await endAll(transaction, userId);
  await endInvitationsBy(transaction, userId);
}

async function insert(
  transaction: Transaction<Schema>,
  announce: Announce,
  now: number,
  user: NewUser,
): Promise<User> {
  const { username, passwordHash, isAdmin, isService, mustChangePassword, createdBy, createdAt } = user;
  const row = await transaction
    .insertInto('users')
    .values({
      username,
      username_key: usernameKey(username),
      password_hash: passwordHash,
      is_admin: isAdmin ? 1 : 0,
      is_service: isService === true ? 1 : 0,
      must_change_password: mustChangePassword === true ? 1 : 0,
      created_by: createdBy ?? null,
      created_at: createdAt ?? now,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returningAll()
    .executeTakeFirst();
  if (row === undefined) {
    throw alreadyExists(`User (username=${username}) already exists.`);
  }
  announce(row.id);
  return readUser(row);
}

type Values = Updateable<Schema['users']>;

interface Conditions {
  /** The hash that the password must still have. */
  readonly from?: string;
  /** Throws if it is not to be. */
  readonly before?: (transaction: Transaction<Schema>, id: number) => Promise<void>;
  /** What else follows from it. */
  readonly after?: (transaction: Transaction<Schema>, id: number) => Promise<void>;
}

async function change(
  transaction: Transaction<Schema>,
  announce: Announce,
  id: number,
  values: Values,
  { from, before, after }: Conditions,
): Promise<boolean> {
  await before?.(transaction, id);
  let query = transaction.updateTable('users').set(values).where('id', '=', id);
  if (from !== undefined) {
    query = query.where('password_hash', '=', from);
  }
  const { numUpdatedRows } = await query.executeTakeFirstOrThrow();
  if (numUpdatedRows > 0n) {
    await after?.(transaction, id);
    announce(id);
  }
  return numUpdatedRows > 0n;
}

/**
 * Names that a reader would take for one another have the same key: `Alice` and `alice`, or `ｆoo` and `foo`.
 * Normalised twice because lower-casing can leave the normal form.
 *
 * @see https://unicode.org/reports/tr15/ (NFKC)
 */
function usernameKey(username: string): string {
  return username.normalize('NFKC').toLowerCase().normalize('NFKC');
}

/** A row as the rest of the gateway knows it. */
export function readUser(row: Selectable<Schema['users']>): User {
  return {
    id: row.id,
    username: row.username,
    passwordHash: row.password_hash,
    isAdmin: row.is_admin === 1,
    isActive: row.is_active === 1,
    isService: row.is_service === 1,
    mustChangePassword: row.must_change_password === 1,
    createdBy: row.created_by ?? undefined,
    createdAt: row.created_at,
  };
}

/** Whether there is such a user, asked before a row refers to it. */
export async function userExists(transaction: Transaction<Schema>, id: number): Promise<boolean> {
  return (
    (await transaction.selectFrom('users').select('id').where('id', '=', id).executeTakeFirst()) !== undefined
  );
}

/** @throws ApiError RESOURCE_DOES_NOT_EXIST if there is no such user. */
export async function refuseMissingUser(transaction: Transaction<Schema>, id: number): Promise<void> {
  if (!(await userExists(transaction, id))) {
    throw notFound(`User with id=${id} not found`);
  }
}
