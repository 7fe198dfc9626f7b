import type { Kysely, Selectable, Transaction } from 'kysely';
import { alreadyExists, notFound } from '../errors.ts';
import type { Permission } from '../policy/permissions.ts';
import { DEFAULT_WORKSPACE } from './account.ts';
import { userExists } from './grants.ts';
import { readPermission } from './read-grant.ts';
import type { Schema } from './schema.ts';
import type { Write } from './write.ts';

/** A named set of grants. */
export interface Role {
  readonly id: number;
  readonly name: string;
  readonly workspace: string;
  readonly description: string | undefined;
  readonly permissions: readonly RolePermission[];
}

/** One grant of a role. */
export interface RolePermission {
  readonly id: number;
  readonly roleId: number;
  readonly resourceType: string;
  readonly resourcePattern: string;
  readonly permission: Permission;
}

/** A user's membership in a role. */
export interface RoleMember {
  readonly id: number;
  readonly userId: number;
  readonly username: string;
  readonly roleId: number;
}

/**
 * Roles, their grants and their members, in the shape of MLflow 3.17's roles API and with its sentences.
 * Verbs that name an id answer undefined or false if there is none, unless said otherwise.
 */
export interface Roles {
  /** @throws ApiError RESOURCE_ALREADY_EXISTS if the workspace has a role of that name. */
  create(role: {
    readonly name: string;
    readonly workspace?: string;
    readonly description?: string;
  }): Promise<Role>;
  get(id: number): Promise<Role | undefined>;
  getByName(workspace: string, name: string): Promise<Role | undefined>;
  /** Every role, or those of some workspaces. */
  list(workspaces?: readonly string[]): Promise<readonly Role[]>;
  /** @throws ApiError RESOURCE_ALREADY_EXISTS if the workspace has another role of that name. */
  update(
    id: number,
    changes: { readonly name?: string; readonly description?: string },
  ): Promise<Role | undefined>;
  /** Deletes a role with its grants and memberships. */
  remove(id: number): Promise<boolean>;

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

export function createRoles(db: Kysely<Schema>, write: Write): Roles {
  const find = async (on: Kysely<Schema>, id: number): Promise<Role | undefined> => {
    const row = await on.selectFrom('roles').selectAll().where('id', '=', id).executeTakeFirst();
    return row && (await withPermissions(on, [row]))[0];
  };

  return {
    create: ({ name, workspace = DEFAULT_WORKSPACE, description }) =>
      write(async (transaction) => {
        const row = await transaction
          .insertInto('roles')
          .values({ name, workspace, description: description ?? null })
          .onConflict((conflict) => conflict.doNothing())
          .returningAll()
          .executeTakeFirst();
        if (row === undefined) {
          throw alreadyExists(`Role (name=${name}, workspace=${workspace}) already exists.`);
        }
        return readRole(row, []);
      }),

    get: (id) => find(db, id),

    async getByName(workspace, name) {
      const rows = await db
        .selectFrom('roles')
        .selectAll()
        .where('workspace', '=', workspace)
        .where('name', '=', name)
        .execute();
      return (await withPermissions(db, rows))[0];
    },

    async list(workspaces) {
      if (workspaces?.length === 0) {
        return [];
      }
      let query = db.selectFrom('roles').selectAll().orderBy('id');
      if (workspaces !== undefined) {
        query = query.where('workspace', 'in', workspaces);
      }
      return withPermissions(db, await query.execute());
    },

    update: (id, { name, description }) =>
      write(async (transaction, announce) => {
        const role = await transaction
          .selectFrom('roles')
          .selectAll()
          .where('id', '=', id)
          .executeTakeFirst();
        if (role === undefined) {
          return undefined;
        }
        if (name !== undefined && name !== role.name) {
          await refuseTaken(transaction, role.workspace, name);
          await transaction.updateTable('roles').set({ name }).where('id', '=', id).execute();
          // Explanations name the role.
          announce('everybody');
        }
        if (description !== undefined) {
          await transaction.updateTable('roles').set({ description }).where('id', '=', id).execute();
        }
        return find(transaction, id);
      }),

    remove: (id) =>
      write(async (transaction, announce) => {
        const { numDeletedRows } = await transaction
          .deleteFrom('roles')
          .where('id', '=', id)
          .executeTakeFirstOrThrow();
        if (numDeletedRows > 0n) {
          announce('everybody');
        }
        return numDeletedRows > 0n;
      }),

    addPermission: (roleId, type, pattern, permission) =>
      write(async (transaction, announce, now) => {
        await refuseMissingRole(transaction, roleId);
        const row = await transaction
          .insertInto('grants')
          .values({
            role_id: roleId,
            resource_type: type,
            resource_pattern: pattern,
            permission,
            created_at: now,
          })
          .onConflict((conflict) => conflict.doNothing())
          .returning(PERMISSION_COLUMNS)
          .executeTakeFirst();
        if (row !== undefined) {
          announce('everybody');
        }
        return row && readRolePermissions([row])[0];
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

    assign: (userId, roleId) =>
      write(async (transaction, announce) => {
        if (!(await userExists(transaction, userId))) {
          throw notFound(`User with id=${userId} not found`);
        }
        await refuseMissingRole(transaction, roleId);
        const added = await transaction
          .insertInto('role_members')
          .values({ user_id: userId, role_id: roleId })
          .onConflict((conflict) => conflict.doNothing())
          .returning('id')
          .executeTakeFirst();
        if (added === undefined) {
          return undefined;
        }
        announce(userId);
        return memberQuery(transaction).where('m.id', '=', added.id).executeTakeFirstOrThrow();
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

    members: (roleId) => memberQuery(db).where('m.role_id', '=', roleId).orderBy('m.id').execute(),

    async rolesOf(userId) {
      const rows = await db
        .selectFrom('roles')
        .innerJoin('role_members as m', 'm.role_id', 'roles.id')
        .selectAll('roles')
        .where('m.user_id', '=', userId)
        .orderBy('roles.id')
        .execute();
      return withPermissions(db, rows);
    },

    async byUser() {
      const members = await memberQuery(db).orderBy('m.role_id').execute();
      const roles = await withPermissions(db, await db.selectFrom('roles').selectAll().execute());
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
    },
  };
}

const PERMISSION_COLUMNS = ['id', 'role_id', 'resource_type', 'resource_pattern', 'permission'] as const;

type RoleRow = Selectable<Schema['roles']>;

/** Below this many roles their grants are asked for by id, above it all at once: SQL limits a statement's parameters. */
const BY_ID_AT_MOST = 500;

async function withPermissions(db: Kysely<Schema>, roles: readonly RoleRow[]): Promise<Role[]> {
  if (roles.length === 0) {
    return [];
  }
  let query = db
    .selectFrom('grants')
    .select(PERMISSION_COLUMNS)
    .where('role_id', 'is not', null)
    .orderBy('id');
  if (roles.length <= BY_ID_AT_MOST) {
    query = query.where(
      'role_id',
      'in',
      roles.map(({ id }) => id),
    );
  }
  const permissions = Map.groupBy(readRolePermissions(await query.execute()), ({ roleId }) => roleId);
  return roles.map((role) => readRole(role, permissions.get(role.id) ?? []));
}

function readRole(
  { id, name, workspace, description }: RoleRow,
  permissions: readonly RolePermission[],
): Role {
  return { id, name, workspace, description: description ?? undefined, permissions };
}

function readRolePermissions(
  rows: readonly Pick<Selectable<Schema['grants']>, (typeof PERMISSION_COLUMNS)[number]>[],
): RolePermission[] {
  return rows.flatMap((row) =>
    row.role_id === null
      ? []
      : [
          {
            id: row.id,
            roleId: row.role_id,
            resourceType: row.resource_type,
            resourcePattern: row.resource_pattern,
            permission: readPermission(row.permission),
          },
        ],
  );
}

function memberQuery(db: Kysely<Schema>) {
  return db
    .selectFrom('role_members as m')
    .innerJoin('users as u', 'u.id', 'm.user_id')
    .select(['m.id', 'm.user_id as userId', 'u.username', 'm.role_id as roleId']);
}

async function refuseTaken(transaction: Transaction<Schema>, workspace: string, name: string): Promise<void> {
  const taken = await transaction
    .selectFrom('roles')
    .select('id')
    .where('workspace', '=', workspace)
    .where('name', '=', name)
    .executeTakeFirst();
  if (taken !== undefined) {
    throw alreadyExists(`Role with name=${name} already exists in workspace=${workspace}`);
  }
}

async function refuseMissingRole(transaction: Transaction<Schema>, id: number): Promise<void> {
  const role = await transaction.selectFrom('roles').select('id').where('id', '=', id).executeTakeFirst();
  if (role === undefined) {
    throw notFound(`Role with id=${id} not found`);
  }
}
