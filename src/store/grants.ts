import type { ExpressionBuilder, Kysely, Transaction } from 'kysely';
import { notFound } from '../errors.ts';
import type { Grant } from '../policy/grant.ts';
import type { Permission } from '../policy/permissions.ts';
import { ALL } from '../policy/resources.ts';
import { typesSharingNamesWith } from './namespaces.ts';
import { readGrant, readPermission } from './read-grant.ts';
import type { Schema } from './schema.ts';
import type { Announce, Write } from './write.ts';

/** A user's own grant, as the grants API shows it. */
export interface OwnGrant extends Grant {
  /** Shared with the grants of roles: no two grants have the same. */
  readonly id: number;
}

/** A grant seen from its resource. */
export interface GrantOnResource {
  readonly holder:
    | { readonly kind: 'user'; readonly id: number; readonly username: string }
    | { readonly kind: 'role'; readonly id: number; readonly name: string };
  readonly permission: Permission;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

export interface Adoption {
  readonly kind: string;
  readonly id: string;
  readonly userId: number;
  readonly intentId?: number;
}

export interface Renaming {
  readonly kind: string;
  readonly from: string;
  readonly to: string;
  /**
   * When it began (milliseconds since the epoch). What was granted since on the old name is on something that has
   * come to have it, and stays; what was granted since on the new name says that the name has gone on to another
   * thing, and nothing moves there.
   */
  readonly since?: number;
  readonly intentId?: number;
}

export interface Forgetting {
  readonly kind: string;
  readonly id: string;
  /** Only grants as old as this (milliseconds since the epoch) or older; all of them if left out. */
  readonly before?: number;
  readonly intentId?: number;
}

/**
 * Permissions of users on resources, and what becomes of all grants when a resource comes, moves or goes.
 * Grants of roles are made and unmade through {@link Roles}.
 *
 * `adopt`, `rename` and `forget` treat kinds that share names as one (models and prompts), close the intent in
 * the same transaction, and do nothing if it is closed already. To them a resource *named* `*` holds no grants:
 * whoever creates such a model must not come to manage every model.
 */
export interface Grants {
  /** A user's own grants, without those of roles. */
  forUser(userId: number): Promise<readonly OwnGrant[]>;
  /** Every user's own grants, by user id: one query for a list of all users. */
  forUsers(): Promise<ReadonlyMap<number, readonly OwnGrant[]>>;
  /** Every grant written for exactly this type and pattern, of users and roles. */
  forResource(type: string, pattern: string): Promise<readonly GrantOnResource[]>;
  get(userId: number, type: string, pattern: string): Promise<Permission | undefined>;
  /**
   * Adds a grant; false if the user already holds one there, whatever its permission.
   *
   * @throws ApiError RESOURCE_DOES_NOT_EXIST if there is no such user.
   */
  create(userId: number, type: string, pattern: string, permission: Permission): Promise<boolean>;
  /** Changes a grant; false if there is none. */
  update(userId: number, type: string, pattern: string, permission: Permission): Promise<boolean>;
  /** Removes a grant; false if there is none. */
  delete(userId: number, type: string, pattern: string): Promise<boolean>;
  /**
   * Something was created: whatever an earlier thing of that name left behind goes, and the creator gets MANAGE
   * (unless deleted meanwhile; then only admins reach it).
   */
  adopt(adoption: Adoption): Promise<void>;
  /** Something was renamed: leftovers on the new name go, the grants move along. */
  rename(renaming: Renaming): Promise<void>;
  /** Something was deleted: grants on it go. */
  forget(forgetting: Forgetting): Promise<void>;
}

export function createGrants(db: Kysely<Schema>, write: Write, clock: () => number): Grants {
  return {
    async forUser(userId) {
      const rows = await db
        .selectFrom('grants')
        .select(['id', 'resource_type', 'resource_pattern', 'permission'])
        .where('user_id', '=', userId)
        .orderBy('id')
        .execute();
      return rows.map((row) => ({ ...readGrant(row, 'user'), id: row.id }));
    },

    async forUsers() {
      const rows = await db
        .selectFrom('grants')
        .select(['id', 'user_id', 'resource_type', 'resource_pattern', 'permission'])
        .where('user_id', 'is not', null)
        .orderBy('id')
        .execute();
      const grants = new Map<number, OwnGrant[]>();
      for (const { user_id: userId, ...row } of rows) {
        if (userId === null) continue;
        const own = grants.get(userId) ?? [];
        grants.set(userId, own);
        own.push({ ...readGrant(row, 'user'), id: row.id });
      }
      return grants;
    },

    async forResource(type, pattern) {
      const rows = await db
        .selectFrom('grants as g')
        .leftJoin('users as u', 'u.id', 'g.user_id')
        .leftJoin('roles as r', 'r.id', 'g.role_id')
        .select([
          'g.permission',
          'g.created_at as createdAt',
          'u.id as userId',
          'u.username',
          'r.id as roleId',
          'r.name',
        ])
        .where('g.resource_type', '=', type)
        .where('g.resource_pattern', '=', pattern)
        .orderBy('g.id')
        .execute();
      return rows.flatMap(({ permission, createdAt, userId, username, roleId, name }): GrantOnResource[] => {
        if (userId !== null && username !== null) {
          return [
            {
              holder: { kind: 'user', id: userId, username },
              permission: readPermission(permission),
              createdAt,
            },
          ];
        }
        if (roleId === null || name === null) return [];
        return [
          { holder: { kind: 'role', id: roleId, name }, permission: readPermission(permission), createdAt },
        ];
      });
    },

    async get(userId, type, pattern) {
      const row = await db
        .selectFrom('grants')
        .select('permission')
        .where('user_id', '=', userId)
        .where('resource_type', '=', type)
        .where('resource_pattern', '=', pattern)
        .executeTakeFirst();
      return row && readPermission(row.permission);
    },

    create: (userId, type, pattern, permission) =>
      write(async (transaction, announce) => {
        if (!(await userExists(transaction, userId))) throw notFound(`User with id=${userId} not found`);
        const added = await transaction
          .insertInto('grants')
          .values({
            user_id: userId,
            resource_type: type,
            resource_pattern: pattern,
            permission,
            created_at: clock(),
          })
          .onConflict((conflict) => conflict.doNothing())
          .returning('id')
          .executeTakeFirst();
        if (added !== undefined) announce(userId);
        return added !== undefined;
      }),

    update: (userId, type, pattern, permission) =>
      write(async (transaction, announce) => {
        const { numUpdatedRows } = await transaction
          .updateTable('grants')
          .set({ permission })
          .where('user_id', '=', userId)
          .where('resource_type', '=', type)
          .where('resource_pattern', '=', pattern)
          .executeTakeFirstOrThrow();
        if (numUpdatedRows > 0n) announce(userId);
        return numUpdatedRows > 0n;
      }),

    delete: (userId, type, pattern) =>
      write(async (transaction, announce) => {
        const { numDeletedRows } = await transaction
          .deleteFrom('grants')
          .where('user_id', '=', userId)
          .where('resource_type', '=', type)
          .where('resource_pattern', '=', pattern)
          .executeTakeFirstOrThrow();
        if (numDeletedRows > 0n) announce(userId);
        return numDeletedRows > 0n;
      }),

    adopt: ({ kind, id, userId, intentId }) =>
      write(async (transaction, announce) => {
        if (!(await settle(transaction, intentId))) return;
        await purge(transaction, announce, { kind, id, now: clock() });
        if (id !== ALL && (await userExists(transaction, userId))) {
          await transaction
            .insertInto('grants')
            .values({
              user_id: userId,
              resource_type: kind,
              resource_pattern: id,
              permission: 'MANAGE',
              created_at: clock(),
            })
            .execute();
          announce(userId);
        }
      }),

    rename: ({ kind, from, to, since, intentId }) =>
      write(async (transaction, announce) => {
        if (!(await settle(transaction, intentId)) || from === to) return;
        const now = clock();
        const before = since === undefined ? {} : { before: since };
        const taken = since !== undefined && (await isGrantedBetween(transaction, kind, to, since, now));
        if (to === ALL || taken) return purge(transaction, announce, { kind, id: from, now, ...before });
        await purge(transaction, announce, { kind, id: to, now });
        await move(transaction, announce, { kind, from, to, now, ...before });
      }),

    forget: ({ kind, id, before, intentId }) =>
      write(async (transaction, announce) => {
        if (!(await settle(transaction, intentId))) return;
        await purge(transaction, announce, {
          kind,
          id,
          now: clock(),
          ...(before !== undefined && { before }),
        });
      }),
  };
}

async function purge(
  transaction: Transaction<Schema>,
  announce: Announce,
  { kind, id, before, now }: Forgetting & { readonly now: number },
): Promise<void> {
  if (id === ALL) return;
  let removal = transaction
    .deleteFrom('grants')
    .where('resource_type', 'in', typesSharingNamesWith(kind))
    .where('resource_pattern', '=', id);
  if (before !== undefined) removal = removal.where(isOf(before, now));
  for (const { user_id: userId } of await removal.returning('user_id').execute())
    announce(userId ?? 'everybody');
}

/** A moved grant counts as new: what is later learnt of an old deletion of the new name must not take it. */
async function move(
  transaction: Transaction<Schema>,
  announce: Announce,
  { kind, from, to, now, before }: { kind: string; from: string; to: string; now: number; before?: number },
): Promise<void> {
  if (from === ALL) return;
  let moving = transaction
    .updateTable('grants')
    .set({ resource_pattern: to, created_at: now })
    .where('resource_type', 'in', typesSharingNamesWith(kind))
    .where('resource_pattern', '=', from);
  if (before !== undefined) moving = moving.where(isOf(before, now));
  for (const { user_id: userId } of await moving.returning('user_id').execute())
    announce(userId ?? 'everybody');
}

/**
 * Grants of a moment or before. One that is from the future was written before the clock was put back: taken for a new
 * one, it would outlive what it was on, and hold for whatever gets the name next.
 */
const isOf =
  (moment: number, now: number) =>
  ({ eb, or }: ExpressionBuilder<Schema, 'grants'>) =>
    or([eb('created_at', '<=', moment), eb('created_at', '>', now)]);

/** Whether anything was granted on a name after a moment. */
async function isGrantedBetween(
  transaction: Transaction<Schema>,
  kind: string,
  id: string,
  since: number,
  now: number,
): Promise<boolean> {
  const grant = await transaction
    .selectFrom('grants')
    .select('id')
    .where('resource_type', 'in', typesSharingNamesWith(kind))
    .where('resource_pattern', '=', id)
    .where('created_at', '>', since)
    .where('created_at', '<=', now)
    .executeTakeFirst();
  return grant !== undefined;
}

/**
 * Closes the intent that a change settles; false if another process has done so, and the change with it: made
 * again, it could take what was granted since.
 */
async function settle(transaction: Transaction<Schema>, intentId: number | undefined): Promise<boolean> {
  if (intentId === undefined) return true;
  const { numDeletedRows } = await transaction
    .deleteFrom('intents')
    .where('id', '=', intentId)
    .executeTakeFirstOrThrow();
  return numDeletedRows > 0n;
}

/** Whether there is such a user, asked before a row refers to it. */
export async function userExists(transaction: Transaction<Schema>, id: number): Promise<boolean> {
  return (
    (await transaction.selectFrom('users').select('id').where('id', '=', id).executeTakeFirst()) !== undefined
  );
}
