import type { Kysely } from 'kysely';
import type { Permission } from '../../policy/permissions.ts';
import { readPermission } from '../read-grant.ts';
import type { Schema } from '../schema.ts';

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
}

export function createResourceGrants(db: Kysely<Schema>): ResourceGrants {
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
        ])
        .where('g.resource_type', '=', type)
        .where('g.resource_pattern', '=', pattern)
        .orderBy('g.id')
        .execute();
      return rows.flatMap((row) => {
        const holder = holderIn(row);
        const { permission, createdAt } = row;
        return holder === undefined ? [] : [{ holder, permission: readPermission(permission), createdAt }];
      });
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
