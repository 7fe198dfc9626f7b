import type { Kysely, Transaction } from 'kysely';
import { stillHolds } from '../account.ts';
import type { Engine } from '../engine.ts';
import type { Schema } from '../schema.ts';
import { refuseMissingUser } from '../users.ts';
import type { Write } from '../write.ts';
import { type Role, type RoleMember, refuseMissingRole, withPermissions } from './role.ts';

/** Who is in which role. */
export interface RoleMembers {
  /**
   * Makes a user a member; undefined if it is one already.
   *
   * @throws ApiError RESOURCE_DOES_NOT_EXIST if there is no such user or role.
   */
  assign(userId: number, roleId: number): Promise<RoleMember | undefined>;
  unassign(userId: number, roleId: number): Promise<boolean>;
  members(roleId: number): Promise<readonly RoleMember[]>;
  rolesOf(userId: number): Promise<readonly Role[]>;
  /** The roles of every user that has any, by user id. */
  byUser(): Promise<ReadonlyMap<number, readonly Role[]>>;
}

export function createRoleMembers(
  db: Kysely<Schema>,
  write: Write,
  engine: Pick<Engine, 'now'>,
): RoleMembers {
  const lasting = (on: Kysely<Schema>) => memberQuery(on).where((where) => stillHolds(where, engine));

  return {
    assign: (userId, roleId) =>
      write(async (transaction, announce) => {
        await refuseMissingUser(transaction, userId);
        await refuseMissingRole(transaction, roleId);
        const added = await insert(transaction, userId, roleId);
        if (added !== undefined) {
          announce(userId);
        }
        return added;
      }),

    unassign: (userId, roleId) =>
      write(async (transaction, announce) => {
        const { numDeletedRows } = await transaction
          .deleteFrom('role_members')
          .where('user_id', '=', userId)
          .where('role_id', '=', roleId)
          .executeTakeFirstOrThrow();
        if (numDeletedRows > 0n) {
          announce(userId);
        }
        return numDeletedRows > 0n;
      }),

    members: (roleId) => lasting(db).where('m.role_id', '=', roleId).orderBy('m.id').execute(),

    async rolesOf(userId) {
      const rows = await db
        .selectFrom('roles')
        .innerJoin('role_members as m', 'm.role_id', 'roles.id')
        .selectAll('roles')
        .where('m.user_id', '=', userId)
        .where((where) => stillHolds(where, engine))
        .orderBy('roles.id')
        .execute();
      return withPermissions(db, rows);
    },

    async byUser() {
      const members = await lasting(db).orderBy('m.role_id').execute();
      const roles = await withPermissions(db, await db.selectFrom('roles').selectAll().execute());
      return heldBy(members, roles);
    },
  };
}

async function insert(
  transaction: Transaction<Schema>,
  userId: number,
  roleId: number,
): Promise<RoleMember | undefined> {
  const added = await transaction
    .insertInto('role_members')
    .values({ user_id: userId, role_id: roleId })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst();
  return added && memberQuery(transaction).where('m.id', '=', added.id).executeTakeFirstOrThrow();
}

function heldBy(
  members: readonly RoleMember[],
  roles: readonly Role[],
): ReadonlyMap<number, readonly Role[]> {
  const roleOf = new Map(roles.map((role) => [role.id, role]));
  const found = new Map<number, Role[]>();
  for (const { userId, roleId } of members) {
    const role = roleOf.get(roleId);
    if (role === undefined) {
      continue;
    }
    const held = found.get(userId);
    if (held === undefined) {
      found.set(userId, [role]);
    } else {
      held.push(role);
    }
  }
  return found;
}

function memberQuery(db: Kysely<Schema>) {
  return db
    .selectFrom('role_members as m')
    .innerJoin('users as u', 'u.id', 'm.user_id')
    .select(['m.id', 'm.user_id as userId', 'u.username', 'm.role_id as roleId']);
}
