import type { ExpressionBuilder, Kysely, Transaction } from 'kysely';
import { notFound } from '../errors.ts';
import type { Grant } from '../policy/grant.ts';
import type { Permission } from '../policy/permissions.ts';
import { ALL } from '../policy/resources.ts';
import { typeInside, typesSharingNamesWith } from './namespaces.ts';
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
  /** The grant counts as made then (milliseconds since the epoch), or now. */
  readonly since?: number;
  readonly intentId?: number;
}

export interface Renaming {
  readonly kind: string;
  readonly from: string;
  readonly to: string;
  /**
   * When it began (milliseconds since the epoch). What was granted since on the old name is on something that has
   * come to have it, and stays. Moved grants count as made then, so that an older deletion of the new name that is
   * settled late does not take them, and a younger one does.
   */
  readonly since?: number;
  /** Whether it is known that what was renamed still has the new name, whatever was granted on that since. */
  readonly proven?: boolean;
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
 * a user who creates such a model must not come to manage every model.
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
  /**
   * Something was renamed: leftovers on the new name go, the grants move along.
   *
   * @returns false, with nothing changed, if the new name was granted on since and it is not `proven` that this was
   * not on something else that has the name by now.
   */
  rename(renaming: Renaming): Promise<boolean>;
  /**
   * Something was deleted: grants on it go.
   *
   * @returns whether grants are left that were made after `before`.
   */
  forget(forgetting: Forgetting): Promise<boolean>;
}

export function createGrants(db: Kysely<Schema>, write: Write): Grants {
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
        if (userId === null) {
          continue;
        }
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
        if (roleId === null || name === null) {
          return [];
        }
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
      write(async (transaction, announce, now) => {
        if (!(await userExists(transaction, userId))) {
          throw notFound(`User with id=${userId} not found`);
        }
        const added = await transaction
          .insertInto('grants')
          .values({
            user_id: userId,
            resource_type: type,
            resource_pattern: pattern,
            permission,
            created_at: now,
          })
          .onConflict((conflict) => conflict.doNothing())
          .returning('id')
          .executeTakeFirst();
        if (added !== undefined) {
          announce(userId);
        }
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
        if (numUpdatedRows > 0n) {
          announce(userId);
        }
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
        if (numDeletedRows > 0n) {
          announce(userId);
        }
        return numDeletedRows > 0n;
      }),

    adopt: ({ kind, id, userId, since, intentId }) =>
      write(async (transaction, announce, now) => {
        if (!(await settle(transaction, intentId))) {
          return;
        }
        await purge(transaction, announce, { kind, id, now });
        await purgeInside(transaction, announce, kind, id);
        if (id === ALL || !(await userExists(transaction, userId))) {
          return;
        }
        await transaction
          .insertInto('grants')
          .values({
            user_id: userId,
            resource_type: kind,
            resource_pattern: id,
            permission: 'MANAGE',
            created_at: Math.min(since ?? now, now),
          })
          .execute();
        announce(userId);
      }),

    rename: ({ kind, from, to, since, proven = false, intentId }) =>
      write(async (transaction, announce, now) => {
        if (!(await isOpen(transaction, intentId))) {
          return true;
        }
        if (since !== undefined && !proven && (await isGrantedBetween(transaction, kind, to, since, now))) {
          return false;
        }
        await settle(transaction, intentId);
        const moment = since ?? now;
        if (to === ALL) {
          await purge(transaction, announce, { kind, id: from, now, before: moment });
        } else if (from !== to) {
          await purge(transaction, announce, { kind, id: to, now, before: moment });
          await move(transaction, announce, { kind, from, to, now, moment });
        }
        return true;
      }),

    forget: ({ kind, id, before, intentId }) =>
      write(async (transaction, announce, now) => {
        if (!(await settle(transaction, intentId))) {
          return false;
        }
        await purge(transaction, announce, { kind, id, now, ...(before !== undefined && { before }) });
        return id !== ALL && before !== undefined && isGrantedBetween(transaction, kind, id, before, now);
      }),
  };
}

async function purge(
  transaction: Transaction<Schema>,
  announce: Announce,
  { kind, id, before, now }: Forgetting & { readonly now: number },
): Promise<void> {
  if (id === ALL) {
    return;
  }
  let removal = transaction
    .deleteFrom('grants')
    .where('resource_type', 'in', typesSharingNamesWith(kind))
    .where('resource_pattern', '=', id);
  if (before !== undefined) {
    removal = removal.where(isOf(before, now));
  }
  for (const { user_id: userId } of await removal.returning('user_id').execute()) {
    announce(userId ?? 'everybody');
  }
}

/**
 * Takes the grants on what lay in an earlier thing of this id, and who started what in it: a database may give out
 * the id of an experiment again.
 */
async function purgeInside(
  transaction: Transaction<Schema>,
  announce: Announce,
  kind: string,
  id: string,
): Promise<void> {
  const inner = typeInside(kind);
  if (inner === undefined) {
    return;
  }
  const removal = transaction
    .deleteFrom('grants')
    .where('resource_type', '=', inner)
    // All that begins with `<id>/`: in the order of bytes, '0' comes next after '/'.
    .where('resource_pattern', '>=', `${id}/`)
    .where('resource_pattern', '<', `${id}0`);
  for (const { user_id: userId } of await removal.returning('user_id').execute()) {
    announce(userId ?? 'everybody');
  }
  await transaction.deleteFrom('owners').where('experiment_id', '=', id).execute();
}

async function move(
  transaction: Transaction<Schema>,
  announce: Announce,
  { kind, from, to, now, moment }: { kind: string; from: string; to: string; now: number; moment: number },
): Promise<void> {
  if (from === ALL) {
    return;
  }
  // A user who has been granted something on the new name since has just that.
  await transaction
    .deleteFrom('grants')
    .where('resource_type', 'in', typesSharingNamesWith(kind))
    .where('resource_pattern', '=', from)
    .where(isOf(moment, now))
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('grants as newer')
          .select('newer.id')
          .whereRef('newer.resource_type', '=', 'grants.resource_type')
          .where('newer.resource_pattern', '=', to)
          .where(({ eb, or, ref }) =>
            or([
              eb('newer.user_id', '=', ref('grants.user_id')),
              eb('newer.role_id', '=', ref('grants.role_id')),
            ]),
          ),
      ),
    )
    .execute();
  const moved = await transaction
    .updateTable('grants')
    .set({ resource_pattern: to, created_at: moment })
    .where('resource_type', 'in', typesSharingNamesWith(kind))
    .where('resource_pattern', '=', from)
    .where(isOf(moment, now))
    .returning('user_id')
    .execute();
  for (const { user_id: userId } of moved) {
    announce(userId ?? 'everybody');
  }
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

async function isOpen(transaction: Transaction<Schema>, intentId: number | undefined): Promise<boolean> {
  if (intentId === undefined) {
    return true;
  }
  const intent = await transaction
    .selectFrom('intents')
    .select('id')
    .where('id', '=', intentId)
    .executeTakeFirst();
  return intent !== undefined;
}

/**
 * Closes the intent that a change settles; false if another process has done so, and the change with it: made
 * again, it could take what was granted since.
 */
async function settle(transaction: Transaction<Schema>, intentId: number | undefined): Promise<boolean> {
  if (intentId === undefined) {
    return true;
  }
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
