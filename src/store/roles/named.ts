import type { Kysely, Transaction } from 'kysely';
import { alreadyExists } from '../../errors.ts';
import type { Schema } from '../schema.ts';
import { DEFAULT_WORKSPACE } from '../workspace.ts';
import type { Announce, Write } from '../write.ts';
import { type Role, type RoleGroup, readRole, withPermissions } from './role.ts';

export interface NewRole {
  readonly name: string;
  readonly workspace?: string;
  readonly description?: string;
  readonly group?: RoleGroup;
}

export interface RoleChanges {
  readonly name?: string;
  readonly description?: string;
}

/** The roles themselves. */
export interface NamedRoles {
  /** @throws ApiError RESOURCE_ALREADY_EXISTS if the workspace has a role of that name. */
  create(role: NewRole): Promise<Role>;
  get(id: number): Promise<Role | undefined>;
  getByName(workspace: string, name: string): Promise<Role | undefined>;
  /** Every role, or those of some workspaces. */
  list(workspaces?: readonly string[]): Promise<readonly Role[]>;
  /** @throws ApiError RESOURCE_ALREADY_EXISTS if the workspace has another role of that name. */
  update(id: number, changes: RoleChanges): Promise<Role | undefined>;
  /** Deletes a role with its grants and memberships. */
  remove(id: number): Promise<boolean>;
  /** Deletes every role of a workspace that is gone, those of users' own grants too; answers their names. */
  removeOf(workspace: string): Promise<readonly string[]>;
}

export function createNamedRoles(db: Kysely<Schema>, write: Write): NamedRoles {
  return {
    create: (role) => write((transaction) => insert(transaction, role)),
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

    update: (id, changes) => write((transaction, announce) => change(transaction, announce, id, changes)),

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

    removeOf: (workspace) =>
      write(async (transaction, announce) => {
        const removed = await transaction
          .deleteFrom('roles')
          .where('workspace', '=', workspace)
          .returning('name')
          .execute();
        await transaction.deleteFrom('access_requests').where('workspace', '=', workspace).execute();
        if (removed.length > 0) {
          announce('everybody');
        }
        return removed.map(({ name }) => name);
      }),
  };
}

async function find(db: Kysely<Schema>, id: number): Promise<Role | undefined> {
  const row = await db.selectFrom('roles').selectAll().where('id', '=', id).executeTakeFirst();
  return row && (await withPermissions(db, [row]))[0];
}

async function insert(
  transaction: Transaction<Schema>,
  { name, workspace = DEFAULT_WORKSPACE, description, group }: NewRole,
): Promise<Role> {
  const row = await transaction
    .insertInto('roles')
    .values({
      name,
      workspace,
      description: description ?? null,
      ...(group !== undefined && { issuer: group.issuer, group_name: group.name }),
    })
    .onConflict((conflict) => conflict.doNothing())
    .returningAll()
    .executeTakeFirst();
  if (row === undefined) {
    throw alreadyExists(`Role (name=${name}, workspace=${workspace}) already exists.`);
  }
  return readRole(row, []);
}

async function change(
  transaction: Transaction<Schema>,
  announce: Announce,
  id: number,
  { name, description }: RoleChanges,
): Promise<Role | undefined> {
  const role = await transaction.selectFrom('roles').selectAll().where('id', '=', id).executeTakeFirst();
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
