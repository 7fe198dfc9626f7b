import type { Kysely, Selectable, Transaction } from 'kysely';
import { notFound } from '../../errors.ts';
import type { Permission } from '../../policy/permissions.ts';
import { readPermission } from '../read-grant.ts';
import type { Schema } from '../schema.ts';

/** A named set of grants. */
export interface Role {
  readonly id: number;
  readonly name: string;
  readonly workspace: string;
  readonly description: string | undefined;
  /** The provider of single sign-on, and its group, that the role is of; undefined for a role that was made here. */
  readonly group?: RoleGroup | undefined;
  readonly permissions: readonly RolePermission[];
}

/** A group of a provider of single sign-on. */
export interface RoleGroup {
  readonly issuer: string;
  readonly name: string;
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

export type RoleRow = Selectable<Schema['roles']>;

/** What a {@link RolePermission} is read from. */
export const PERMISSION_COLUMNS = [
  'id',
  'role_id',
  'resource_type',
  'resource_pattern',
  'permission',
] as const;

/** Below this many roles their grants are asked for by id, above it all at once: SQL limits a statement's parameters. */
const BY_ID_AT_MOST = 500;

/** Roles with what each grants. */
export async function withPermissions(db: Kysely<Schema>, roles: readonly RoleRow[]): Promise<Role[]> {
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

export function readRole(
  { id, name, workspace, description, issuer, group_name: group }: RoleRow,
  permissions: readonly RolePermission[],
): Role {
  return {
    id,
    name,
    workspace,
    description: description ?? undefined,
    ...(issuer !== null && group !== null && { group: { issuer, name: group } }),
    permissions,
  };
}

export function readRolePermissions(
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

/** @throws ApiError RESOURCE_DOES_NOT_EXIST if there is no such role. */
export async function refuseMissingRole(transaction: Transaction<Schema>, id: number): Promise<void> {
  const role = await transaction.selectFrom('roles').select('id').where('id', '=', id).executeTakeFirst();
  if (role === undefined) {
    throw missingRole(id);
  }
}

/** In MLflow's words. */
export const missingRole = (id: number) => notFound(`Role with id=${id} not found`);
