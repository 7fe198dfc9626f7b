import type { Insertable, Kysely, Selectable, Transaction } from 'kysely';
import type { Grant } from '../../policy/grant.ts';
import type { Permission } from '../../policy/permissions.ts';
import { readGrant, readPermission } from '../read-grant.ts';
import type { Schema } from '../schema.ts';
import { refuseMissingUser } from '../users.ts';
import { ownHolder, ownIn } from '../workspace.ts';
import type { Write } from '../write.ts';

/** A user's own grant, as the grants API shows it. */
export interface OwnGrant extends Grant {
  /** No other grant has it, neither a user's nor a role's. */
  readonly id: number;
}

/** Users' own grants, one by one. */
export interface UserGrants {
  /**
   * A user's own grants in the default workspace, whatever the one asked about, without those of roles. Those in another
   * are a role's there.
   */
  forUser(userId: number): Promise<readonly OwnGrant[]>;
  /** Every user's own grants in the default workspace, by user id: one query for a list of all users. */
  forUsers(): Promise<ReadonlyMap<number, readonly OwnGrant[]>>;
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
}

export function createUserGrants(db: Kysely<Schema>, write: Write, workspace: string): UserGrants {
  /** Changes grants of a user; tells whether it changed any, and announces it. */
  const change = (userId: number, work: (transaction: Transaction<Schema>, now: number) => Promise<bigint>) =>
    write(async (transaction, announce, now) => {
      const changed = (await work(transaction, now)) > 0n;
      if (changed) {
        announce(userId);
      }
      return changed;
    });

  return {
    async forUser(userId) {
      const rows = await ownGrants(db).where('user_id', '=', userId).execute();
      return rows.map(readOwnGrant);
    },

    async forUsers() {
      return byUser(await ownGrants(db).where('user_id', 'is not', null).execute());
    },

    async get(userId, type, pattern) {
      const row = await db
        .selectFrom('grants')
        .select('permission')
        .where(ownIn(workspace, userId))
        .where('resource_type', '=', type)
        .where('resource_pattern', '=', pattern)
        .executeTakeFirst();
      return row && readPermission(row.permission);
    },

    create: (userId, type, pattern, permission) =>
      change(userId, async (transaction, now) => {
        await refuseMissingUser(transaction, userId);
        return insert(transaction, {
          ...(await ownHolder(transaction, workspace, userId)),
          resource_type: type,
          resource_pattern: pattern,
          permission,
          created_at: now,
        });
      }),

    update: (userId, type, pattern, permission) =>
      change(userId, async (transaction) => {
        const { numUpdatedRows } = await transaction
          .updateTable('grants')
          .set({ permission })
          .where(ownIn(workspace, userId))
          .where('resource_type', '=', type)
          .where('resource_pattern', '=', pattern)
          .executeTakeFirstOrThrow();
        return numUpdatedRows;
      }),

    delete: (userId, type, pattern) =>
      change(userId, async (transaction) => {
        const { numDeletedRows } = await transaction
          .deleteFrom('grants')
          .where(ownIn(workspace, userId))
          .where('resource_type', '=', type)
          .where('resource_pattern', '=', pattern)
          .executeTakeFirstOrThrow();
        return numDeletedRows;
      }),
  };
}

/** @returns how many were added: none, if there is one already. */
async function insert(transaction: Transaction<Schema>, row: Insertable<Schema['grants']>): Promise<bigint> {
  const { numInsertedOrUpdatedRows } = await transaction
    .insertInto('grants')
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirstOrThrow();
  return numInsertedOrUpdatedRows ?? 0n;
}

const COLUMNS = ['id', 'user_id', 'resource_type', 'resource_pattern', 'permission'] as const;
type OwnRow = Pick<Selectable<Schema['grants']>, (typeof COLUMNS)[number]>;

function ownGrants(db: Kysely<Schema>) {
  return db.selectFrom('grants').select(COLUMNS).orderBy('id');
}

function readOwnGrant(row: OwnRow): OwnGrant {
  return { ...readGrant(row, 'user'), id: row.id };
}

function byUser(rows: readonly OwnRow[]): ReadonlyMap<number, readonly OwnGrant[]> {
  const grants = new Map<number, OwnGrant[]>();
  for (const row of rows) {
    if (row.user_id === null) {
      continue;
    }
    const own = grants.get(row.user_id) ?? [];
    grants.set(row.user_id, own);
    own.push(readOwnGrant(row));
  }
  return grants;
}
