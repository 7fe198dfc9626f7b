import type { Insertable, Kysely, Transaction } from 'kysely';
import type { Permission } from '../../policy/permissions.ts';
import type { Schema } from '../schema.ts';
import type { Write } from '../write.ts';
import { PERMISSION_COLUMNS, type RolePermission, readRolePermissions, refuseMissingRole } from './role.ts';

/** The grants of roles. An id is never that of a user's own grant. */
export interface RolePermissions {
  /**
   * Adds a grant to a role; undefined if the role already has one there, whatever its permission.
   *
   * @throws ApiError RESOURCE_DOES_NOT_EXIST if there is no such role.
   */
  addPermission(
    roleId: number,
    type: string,
    pattern: string,
    permission: Permission,
  ): Promise<RolePermission | undefined>;
  getPermission(id: number): Promise<RolePermission | undefined>;
  updatePermission(id: number, permission: Permission): Promise<RolePermission | undefined>;
  removePermission(id: number): Promise<boolean>;
}

export function createRolePermissions(db: Kysely<Schema>, write: Write): RolePermissions {
  return {
    addPermission: (roleId, type, pattern, permission) =>
      write(async (transaction, announce, now) => {
        await refuseMissingRole(transaction, roleId);
        const added = await insert(transaction, {
          role_id: roleId,
          resource_type: type,
          resource_pattern: pattern,
          permission,
          created_at: now,
        });
        if (added !== undefined) {
          announce('everybody');
        }
        return added;
      }),

    async getPermission(id) {
      const rows = await db
        .selectFrom('grants')
        .select(PERMISSION_COLUMNS)
        .where('id', '=', id)
        .where('role_id', 'is not', null)
        .execute();
      return readRolePermissions(rows)[0];
    },

    updatePermission: (id, permission) =>
      write(async (transaction, announce) => {
        const rows = await transaction
          .updateTable('grants')
          .set({ permission })
          .where('id', '=', id)
          .where('role_id', 'is not', null)
          .returning(PERMISSION_COLUMNS)
          .execute();
        if (rows.length > 0) {
          announce('everybody');
        }
        return readRolePermissions(rows)[0];
      }),

    removePermission: (id) =>
      write(async (transaction, announce) => {
        const { numDeletedRows } = await transaction
          .deleteFrom('grants')
          .where('id', '=', id)
          .where('role_id', 'is not', null)
          .executeTakeFirstOrThrow();
        if (numDeletedRows > 0n) {
          announce('everybody');
        }
        return numDeletedRows > 0n;
      }),
  };
}

async function insert(
  transaction: Transaction<Schema>,
  row: Insertable<Schema['grants']>,
): Promise<RolePermission | undefined> {
  const rows = await transaction
    .insertInto('grants')
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .returning(PERMISSION_COLUMNS)
    .execute();
  return readRolePermissions(rows)[0];
}
