import type { Kysely } from 'kysely';
import type { Engine } from './engine.ts';
import { createRoleMembers, type RoleMembers } from './roles/members.ts';
import { createNamedRoles, type NamedRoles } from './roles/named.ts';
import { createRolePermissions, type RolePermissions } from './roles/permissions.ts';
import type { Schema } from './schema.ts';
import type { Write } from './write.ts';

export type { Role, RoleGroup, RoleMember, RolePermission } from './roles/role.ts';
export { missingRole } from './roles/role.ts';

/**
 * Roles, their grants and their members, in the shape of MLflow 3.17's roles API and with its sentences.
 * Verbs that name an id answer undefined or false if there is none, unless said otherwise.
 */
export interface Roles extends NamedRoles, RolePermissions, RoleMembers {}

export function createRoles(db: Kysely<Schema>, write: Write, engine: Pick<Engine, 'now'>): Roles {
  return {
    ...createNamedRoles(db, write),
    ...createRolePermissions(db, write),
    ...createRoleMembers(db, write, engine),
  };
}
