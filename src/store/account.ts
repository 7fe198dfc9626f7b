import type { ExpressionBuilder, Kysely } from 'kysely';
import type { Grant } from '../policy/grant.ts';
import { ownerOfRole } from '../policy/own-role.ts';
import type { Engine } from './engine.ts';
import { readGrant } from './read-grant.ts';
import type { Schema } from './schema.ts';
import { liveSessions } from './sessions.ts';
import { liveTokens } from './tokens.ts';
import { type Account, identityKey, type User } from './types.ts';
import { readUser } from './users.ts';
import { DEFAULT_WORKSPACE } from './workspace.ts';

/**
 * A user with its own grants and those of its roles, by the workspaces they are in, as of one moment: a single
 * statement, for two could pair the old password with a grant made after it was changed.
 */
export async function loadAccount(
  db: Kysely<Schema>,
  username: string,
  engine: Pick<Engine, 'now'>,
): Promise<Account | undefined> {
  const rows = await db
    .with('holdings', (query) =>
      query
        .selectFrom('grants as g')
        .innerJoin('users as u', 'u.id', 'g.user_id')
        .where('u.username', '=', username)
        .select((select) => [
          select.ref('g.resource_type').$castTo<string | null>().as('resource_type'),
          select.ref('g.resource_pattern').$castTo<string | null>().as('resource_pattern'),
          select.ref('g.permission').$castTo<string | null>().as('permission'),
          select.val<string | null>(null).as('role'),
          select.val<string>(DEFAULT_WORKSPACE).as('workspace'),
        ])
        .unionAll(
          query
            .selectFrom('users as u')
            .innerJoin('role_members as m', 'm.user_id', 'u.id')
            .innerJoin('roles as r', 'r.id', 'm.role_id')
            // A role that grants nothing makes a member all the same.
            .leftJoin('grants as g', 'g.role_id', 'r.id')
            .where('u.username', '=', username)
            .where((where) => stillHolds(where, engine))
            .select([
              'g.resource_type',
              'g.resource_pattern',
              'g.permission',
              'r.name as role',
              'r.workspace',
            ]),
        ),
    )
    .selectFrom('users')
    .leftJoin('holdings', (join) => join.onTrue())
    .where('users.username', '=', username)
    .selectAll('users')
    .select(['holdings.resource_type', 'holdings.resource_pattern', 'holdings.permission'])
    .select(['holdings.role', 'holdings.workspace'])
    .execute();

  const [first] = rows;
  if (first === undefined) {
    return undefined;
  }
  const user = readUser(first);
  const held = heldBy(user, rows);
  // Statements of their own: a token or a session is good or not whatever else is true of its user.
  const [tokens, sessions, provided] = await Promise.all([
    liveTokens(db, first, engine),
    liveSessions(db, first, engine),
    ofProviders(db, first, engine),
  ]);
  const grants = held.get(DEFAULT_WORKSPACE) ?? [];
  return { user, grants, held, tokens, sessions, ...provided };
}

interface Holding {
  readonly resource_type: string | null;
  readonly resource_pattern: string | null;
  readonly permission: string | null;
  readonly role: string | null;
  /** Null where the user holds nothing at all. */
  readonly workspace: string | null;
}

/** What a user holds, by workspace; nothing where a role of the user's grants nothing. */
function heldBy(user: User, rows: readonly Holding[]): ReadonlyMap<string, readonly Grant[]> {
  const roles = new Map<string, Grant['via']>();
  const viaRole = (role: string): Grant['via'] => {
    const via = roles.get(role) ?? (ownerOfRole(role) === user.id ? 'user' : { role });
    roles.set(role, via);
    return via;
  };
  const held = new Map<string, Grant[]>();
  for (const { resource_type, resource_pattern, permission, role, workspace } of rows) {
    if (workspace === null) {
      continue;
    }
    const grants = held.get(workspace) ?? [];
    held.set(workspace, grants);
    if (resource_type !== null && resource_pattern !== null && permission !== null) {
      grants.push(
        readGrant({ resource_type, resource_pattern, permission }, role === null ? 'user' : viaRole(role)),
      );
    }
  }
  return held;
}

/** What providers of single sign-on call a user, and when the first of the memberships ends that they have given. */
async function ofProviders(
  db: Kysely<Schema>,
  { id }: { readonly id: number },
  engine: Pick<Engine, 'now'>,
): Promise<Pick<Account, 'identities' | 'holdsUntil'>> {
  const rows = await db
    .selectFrom('identities')
    .select(['issuer', 'subject'])
    .select((select) =>
      select
        .selectFrom('role_members as m')
        .select(({ fn }) => fn.min('m.until').as('until'))
        .where('m.user_id', '=', id)
        .where((where) => stillHolds(where, engine))
        .as('until'),
    )
    .where('user_id', '=', id)
    .execute();
  return { identities: new Set(rows.map(identityKey)), holdsUntil: rows[0]?.until ?? undefined };
}

/** That a membership has not ended. */
export function stillHolds(
  { or, eb }: ExpressionBuilder<Schema & { m: Schema['role_members'] }, 'm'>,
  { now }: Pick<Engine, 'now'>,
) {
  return or([eb('m.until', 'is', null), eb('m.until', '>', now())]);
}
