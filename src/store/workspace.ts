import type { ExpressionBuilder, Transaction } from 'kysely';
import { ownRoleName } from '../policy/own-role.ts';
import type { Schema } from './schema.ts';

/** The workspace that everything lies in while MLflow's workspaces are off. */
export const DEFAULT_WORKSPACE = 'default';

/*
 * A grant is in the workspace of its role, and a user's own is in the default one. What a user is granted in another is
 * held there by a role with a name of its own and that one member, as in MLflow: gateways that know of one workspace
 * alone, on the same store, take no role of another into account.
 */

type Where = ExpressionBuilder<Schema, 'grants'>;

/** The grants that count in a workspace. */
export const countsIn =
  (workspace: string) =>
  ({ eb, or, selectFrom }: Where) => {
    const ofRoles = eb(
      'grants.role_id',
      'in',
      selectFrom('roles').select('roles.id').where('roles.workspace', '=', workspace),
    );
    return workspace === DEFAULT_WORKSPACE ? or([eb('grants.user_id', 'is not', null), ofRoles]) : ofRoles;
  };

/** A user's own grants in a workspace. */
export const ownIn =
  (workspace: string, userId: number) =>
  ({ eb, selectFrom }: Where) =>
    workspace === DEFAULT_WORKSPACE
      ? eb('grants.user_id', '=', userId)
      : eb(
          'grants.role_id',
          'in',
          selectFrom('roles')
            .select('roles.id')
            .where('roles.workspace', '=', workspace)
            .where('roles.name', '=', ownRoleName(userId)),
        );

/** Who is to hold a user's own grant in a workspace; there, it has a role from now on. */
export async function ownHolder(
  transaction: Transaction<Schema>,
  workspace: string,
  userId: number,
): Promise<{ readonly user_id: number } | { readonly role_id: number }> {
  if (workspace === DEFAULT_WORKSPACE) {
    return { user_id: userId };
  }
  const name = ownRoleName(userId);
  await transaction
    .insertInto('roles')
    .values({ name, workspace, description: null })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const { id } = await transaction
    .selectFrom('roles')
    .select('id')
    .where('workspace', '=', workspace)
    .where('name', '=', name)
    .executeTakeFirstOrThrow();
  await transaction
    .insertInto('role_members')
    .values({ user_id: userId, role_id: id })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  return { role_id: id };
}
