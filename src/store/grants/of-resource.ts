import type { Kysely } from 'kysely';
import type { Grant } from '../../policy/grant.ts';
import { ownerOfRole } from '../../policy/own-role.ts';
import type { Permission } from '../../policy/permissions.ts';
import { stillHolds } from '../account.ts';
import type { Engine } from '../engine.ts';
import { readGrant, readPermission } from '../read-grant.ts';
import type { Schema } from '../schema.ts';
import { DEFAULT_WORKSPACE } from '../workspace.ts';

/** A grant seen from its resource. */
export interface GrantOnResource {
  readonly holder:
    | { readonly kind: 'user'; readonly id: number; readonly username: string }
    | { readonly kind: 'role'; readonly id: number; readonly name: string };
  readonly permission: Permission;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

/** Grants of users and roles, by what they are on. */
export interface ResourceGrants {
  /** Every grant written for exactly this type and pattern, of users and roles. */
  forResource(type: string, pattern: string): Promise<readonly GrantOnResource[]>;
  /**
   * What each user holds, by themselves or by a role, on any of these patterns of these types; by user id. Those who hold
   * nothing there are left out.
   */
  heldOn(
    types: readonly string[],
    patterns: readonly string[],
  ): Promise<ReadonlyMap<number, readonly Grant[]>>;
}

export function createResourceGrants(
  db: Kysely<Schema>,
  engine: Pick<Engine, 'now'>,
  workspace: string,
): ResourceGrants {
  const isHere = (row: { readonly workspace: string | null }) =>
    (row.workspace ?? DEFAULT_WORKSPACE) === workspace;

  return {
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
          'r.workspace',
        ])
        .where('g.resource_type', '=', type)
        .where('g.resource_pattern', '=', pattern)
        .orderBy('g.id')
        .execute();
      return rows.filter(isHere).flatMap((row) => {
        const holder = holderIn(row);
        const { permission, createdAt } = row;
        return holder === undefined ? [] : [{ holder, permission: readPermission(permission), createdAt }];
      });
    },

    async heldOn(types, patterns) {
      const rows = await db
        .selectFrom('grants as g')
        .leftJoin('roles as r', 'r.id', 'g.role_id')
        .leftJoin('role_members as m', 'm.role_id', 'r.id')
        .select(['g.user_id', 'm.user_id as member_id', 'r.name as role', 'r.workspace'])
        .select(['g.resource_type', 'g.resource_pattern', 'g.permission'])
        .where('g.resource_type', 'in', types)
        .where('g.resource_pattern', 'in', patterns)
        .where((where) => stillHolds(where, engine))
        .orderBy('g.id')
        .execute();
      const held = new Map<number, Grant[]>();
      for (const { user_id: own, member_id: member, role, ...row } of rows.filter(isHere)) {
        const userId = own ?? member;
        if (userId === null) {
          continue;
        }
        const grants = held.get(userId) ?? [];
        held.set(userId, grants);
        grants.push(readGrant(row, role === null || ownerOfRole(role) === userId ? 'user' : { role }));
      }
      return held;
    },
  };
}

function holderIn(row: {
  readonly userId: number | null;
  readonly username: string | null;
  readonly roleId: number | null;
  readonly name: string | null;
}): GrantOnResource['holder'] | undefined {
  const { userId, username, roleId, name } = row;
  if (userId !== null && username !== null) {
    return { kind: 'user', id: userId, username };
  }
  return roleId === null || name === null ? undefined : { kind: 'role', id: roleId, name };
}
