import type { Kysely } from 'kysely';
import type { Engine } from './engine.ts';
import { createResourceGrants, type ResourceGrants } from './grants/of-resource.ts';
import { createUserGrants, type UserGrants } from './grants/of-user.ts';
import { createUpkeep, type Upkeep } from './grants/upkeep.ts';
import type { Schema } from './schema.ts';
import { DEFAULT_WORKSPACE } from './workspace.ts';
import type { Write } from './write.ts';

export type { GrantOnResource } from './grants/of-resource.ts';
export type { OwnGrant } from './grants/of-user.ts';
export type { Adoption, Forgetting, Renaming } from './grants/upkeep.ts';

/**
 * Permissions of users on resources, and what becomes of all grants when a resource comes, moves or goes.
 * Grants of roles are made and unmade through `Roles`.
 */
export interface Grants extends UserGrants, ResourceGrants, Upkeep {}

/** @param workspace - the one that all is about, but what is said to be about another. */
export function createGrants(
  db: Kysely<Schema>,
  write: Write,
  engine: Pick<Engine, 'now'>,
  workspace: string = DEFAULT_WORKSPACE,
): Grants {
  return {
    ...createUserGrants(db, write, workspace),
    ...createResourceGrants(db, engine, workspace),
    ...createUpkeep(write, workspace),
  };
}
