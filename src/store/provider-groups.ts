import type { Transaction } from 'kysely';
import type { Schema } from './schema.ts';
import type { Subject } from './types.ts';
import { DEFAULT_WORKSPACE } from './workspace.ts';
import type { Write } from './write.ts';

/** What a provider says of the groups of one user. */
export interface GroupsSaid {
  /** Each may be the name of a role. */
  readonly groups: readonly string[];
  /** When it says so, in milliseconds since the epoch, by its clock. */
  readonly asOf: number;
  /** Until when it holds, by the clock of the store; undefined for as long as nothing else is said. */
  readonly until: number | undefined;
}

/** What has become of the groups of one user. */
export interface Followed {
  /** The names of the provider's roles that the user had, and has now. */
  readonly before: readonly string[];
  readonly after: readonly string[];
  /** Groups that are no roles, as a role of another origin has the name. */
  readonly taken: readonly string[];
}

interface GroupRole {
  readonly id: number;
  readonly name: string;
  readonly group: string;
}

/** SQL limits a statement's parameters. */
const AT_ONCE = 200;

type Writing = Parameters<Parameters<Write>[0]>;

/**
 * Makes what a provider says of a user's groups so. Roles and memberships of other origin stay as they are. What was said
 * before what is known already changes nothing: a token that was issued before a user left a group does not bring them
 * back.
 */
export async function followGroups(
  [transaction, announce]: Writing,
  { issuer, subject }: Subject,
  { groups, asOf, until }: GroupsSaid,
): Promise<Followed | undefined> {
  const identity = await transaction
    .updateTable('identities')
    .set({ as_of: asOf })
    .where('issuer', '=', issuer)
    .where('subject', '=', subject)
    .where('as_of', '<=', asOf)
    .returning('user_id')
    .executeTakeFirst();
  if (identity === undefined) {
    return undefined;
  }
  const userId = identity.user_id;
  const wanted = new Set(groups);
  const roles = await rolesFor(transaction, issuer, wanted);
  const held = await membershipsOf(transaction, userId);
  const before = held.filter((each) => each.issuer === issuer);
  const isWanted = new Set(roles.map(({ id }) => id));
  const added = roles.filter(({ id }) => !held.some(({ role_id: roleId }) => roleId === id));
  const gone = before.filter(({ role_id: roleId }) => !isWanted.has(roleId));
  await addMemberships(transaction, userId, added, { issuer, until });
  await endMemberships(transaction, gone);
  const prolonged = await prolong(transaction, userId, issuer, until);
  if (added.length + gone.length > 0 || prolonged) {
    announce(userId);
  }
  const stayed = before.filter((each) => !gone.includes(each));
  const known = new Set(roles.map(({ group }) => group));
  return {
    before: before.map(({ name }) => name).toSorted(),
    after: [...stayed, ...added].map(({ name }) => name).toSorted(),
    taken: [...wanted].filter((group) => !known.has(group)),
  };
}

/** The provider's roles for some groups; those that are missing are made, unless another role has the name. */
async function rolesFor(
  transaction: Transaction<Schema>,
  issuer: string,
  groups: ReadonlySet<string>,
): Promise<readonly GroupRole[]> {
  const there = await transaction
    .selectFrom('roles')
    .select(['id', 'name', 'group_name'])
    .where('issuer', '=', issuer)
    .execute();
  const known = there.flatMap(({ id, name, group_name: group }) =>
    group !== null && groups.has(group) ? [{ id, name, group }] : [],
  );
  const missing = [...groups].filter((group) => !known.some((role) => role.group === group));
  const made: GroupRole[] = [];
  for (let start = 0; start < missing.length; start += AT_ONCE) {
    const rows = await transaction
      .insertInto('roles')
      .values(
        missing.slice(start, start + AT_ONCE).map((group) => ({
          name: group,
          workspace: DEFAULT_WORKSPACE,
          description: null,
          issuer,
          group_name: group,
        })),
      )
      .onConflict((conflict) => conflict.doNothing())
      .returning(['id', 'name'])
      .execute();
    made.push(...rows.map(({ id, name }) => ({ id, name, group: name })));
  }
  return [...known, ...made];
}

function membershipsOf(transaction: Transaction<Schema>, userId: number) {
  return transaction
    .selectFrom('role_members as m')
    .innerJoin('roles as r', 'r.id', 'm.role_id')
    .select(['m.id', 'm.role_id', 'm.issuer', 'r.name'])
    .where('m.user_id', '=', userId)
    .execute();
}

async function addMemberships(
  transaction: Transaction<Schema>,
  userId: number,
  roles: readonly GroupRole[],
  { issuer, until }: { readonly issuer: string; readonly until: number | undefined },
): Promise<void> {
  for (let start = 0; start < roles.length; start += AT_ONCE) {
    await transaction
      .insertInto('role_members')
      .values(
        roles
          .slice(start, start + AT_ONCE)
          .map(({ id }) => ({ user_id: userId, role_id: id, issuer, until: until ?? null })),
      )
      .execute();
  }
}

async function endMemberships(
  transaction: Transaction<Schema>,
  gone: readonly { readonly id: number }[],
): Promise<void> {
  for (let start = 0; start < gone.length; start += AT_ONCE) {
    await transaction
      .deleteFrom('role_members')
      .where(
        'id',
        'in',
        gone.slice(start, start + AT_ONCE).map(({ id }) => id),
      )
      .execute();
  }
}

/** Has memberships hold as long as what was said now; none ends sooner by it. */
async function prolong(
  transaction: Transaction<Schema>,
  userId: number,
  issuer: string,
  until: number | undefined,
): Promise<boolean> {
  let query = transaction
    .updateTable('role_members')
    .set({ until: until ?? null })
    .where('user_id', '=', userId)
    .where('issuer', '=', issuer)
    .where('until', 'is not', null);
  if (until !== undefined) {
    query = query.where('until', '<', until);
  }
  const { numUpdatedRows } = await query.executeTakeFirstOrThrow();
  return numUpdatedRows > 0n;
}
