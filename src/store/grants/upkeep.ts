import type { Transaction } from 'kysely';
import { ALL } from '../../policy/resources.ts';
import { loseSubject, moveSubject } from '../access-requests.ts';
import { noteMade } from '../experiments.ts';
import { notAfter } from '../moment.ts';
import { typeInside, typesSharingNamesWith } from '../namespaces.ts';
import type { Schema } from '../schema.ts';
import { userExists } from '../users.ts';
import { countsIn, DEFAULT_WORKSPACE, ownHolder } from '../workspace.ts';
import type { Announce, Write } from '../write.ts';

export interface Adoption {
  readonly kind: string;
  readonly id: string;
  readonly userId: number;
  /** The grant counts as made then (milliseconds since the epoch), or now. */
  readonly since?: number;
  readonly intentId?: number;
}

export interface Renaming {
  readonly kind: string;
  readonly from: string;
  readonly to: string;
  /**
   * When it began (milliseconds since the epoch). What was granted since on the old name is on something that has
   * come to have it, and stays. Moved grants count as made then, so that an older deletion of the new name that is
   * settled late does not take them, and a younger one does.
   */
  readonly since?: number;
  /** Whether it is known that what was renamed still has the new name, whatever was granted on that since. */
  readonly proven?: boolean;
  readonly intentId?: number;
}

export interface Forgetting {
  readonly kind: string;
  readonly id: string;
  /** Only grants as old as this (milliseconds since the epoch) or older; all of them if left out. */
  readonly before?: number;
  readonly intentId?: number;
}

/**
 * What becomes of all grants when a resource comes, moves or goes.
 *
 * The verbs treat kinds that share names as one (models and prompts), close the intent in the same transaction, and do
 * nothing if it is closed already. To them a resource *named* `*` holds no grants: a user who creates such a model must
 * not come to manage every model.
 */
export interface Upkeep {
  /**
   * Something was created: whatever an earlier thing of that name left behind goes, and the creator gets MANAGE
   * (unless deleted meanwhile; then only admins reach it).
   */
  adopt(adoption: Adoption): Promise<void>;
  /**
   * Something was renamed: leftovers on the new name go, the grants move along.
   *
   * @returns false, with nothing changed, if the new name was granted on since and it is not `proven` that this was
   * not on something else that has the name by now.
   */
  rename(renaming: Renaming): Promise<boolean>;
  /**
   * Something was deleted: grants on it go.
   *
   * @returns whether grants are left that were made after `before`.
   */
  forget(forgetting: Forgetting): Promise<boolean>;
}

export function createUpkeep(write: Write, workspace: string): Upkeep {
  const by = <T>(work: (here: Here) => Promise<T>): Promise<T> =>
    write((transaction, announce, now) => work({ transaction, announce, now, workspace }));
  return {
    adopt: (adoption) => by((here) => adopt(here, adoption)),
    rename: (renaming) => by((here) => rename(here, renaming)),
    forget: (forgetting) => by((here) => forget(here, forgetting)),
  };
}

/** A transaction about one workspace. */
interface Here {
  readonly transaction: Transaction<Schema>;
  readonly announce: Announce;
  readonly now: number;
  readonly workspace: string;
}

async function adopt(here: Here, { kind, id, userId, since, intentId }: Adoption): Promise<void> {
  const { transaction, announce, now, workspace } = here;
  if (!(await settle(transaction, intentId))) {
    return;
  }
  await purge(here, { kind, id });
  await purgeInside(here, kind, id);
  // Of other workspaces it is not known which experiment has which id.
  if (kind === 'experiment' && workspace === DEFAULT_WORKSPACE) {
    await noteMade(transaction, id, now);
  }
  if (id === ALL || !(await userExists(transaction, userId))) {
    return;
  }
  await transaction
    .insertInto('grants')
    .values({
      ...(await ownHolder(transaction, workspace, userId)),
      resource_type: kind,
      resource_pattern: id,
      permission: 'MANAGE',
      created_at: Math.min(since ?? now, now),
    })
    .execute();
  announce(userId);
}

async function rename(
  here: Here,
  { kind, from, to, since, proven = false, intentId }: Renaming,
): Promise<boolean> {
  const { transaction, now } = here;
  if (!(await isOpen(transaction, intentId))) {
    return true;
  }
  if (since !== undefined && !proven && (await isGrantedBetween(here, kind, to, since))) {
    return false;
  }
  await settle(transaction, intentId);
  const moment = since ?? now;
  if (to === ALL) {
    await purge(here, { kind, id: from, before: moment });
  } else if (from !== to) {
    await purge(here, { kind, id: to, before: moment });
    await move(here, { kind, from, to, moment });
  }
  return true;
}

async function forget(here: Here, { kind, id, before, intentId }: Forgetting): Promise<boolean> {
  if (!(await settle(here.transaction, intentId))) {
    return false;
  }
  await purge(here, { kind, id, ...(before !== undefined && { before }) });
  return id !== ALL && before !== undefined && isGrantedBetween(here, kind, id, before);
}

async function purge(
  { transaction, announce, now, workspace }: Here,
  { kind, id, before }: Forgetting,
): Promise<void> {
  if (id === ALL) {
    return;
  }
  let removal = transaction
    .deleteFrom('grants')
    .where(countsIn(workspace))
    .where('resource_type', 'in', typesSharingNamesWith(kind))
    .where('resource_pattern', '=', id);
  if (before !== undefined) {
    removal = removal.where(notAfter('created_at', before, now));
  }
  for (const { user_id: userId } of await removal.returning('user_id').execute()) {
    announce(userId ?? 'everybody');
  }
  await loseSubject(transaction, { workspace, kind, id, before, now });
}

/**
 * Takes the grants on what lay in an earlier thing of this id, and who started what in it: a database may give out
 * the id of an experiment again.
 */
async function purgeInside(
  { transaction, announce, workspace }: Here,
  kind: string,
  id: string,
): Promise<void> {
  const inner = typeInside(kind);
  if (inner === undefined) {
    return;
  }
  const removal = transaction
    .deleteFrom('grants')
    .where(countsIn(workspace))
    .where('resource_type', '=', inner)
    // All that begins with `<id>/`: in the order of bytes, '0' comes next after '/'.
    .where('resource_pattern', '>=', `${id}/`)
    .where('resource_pattern', '<', `${id}0`);
  for (const { user_id: userId } of await removal.returning('user_id').execute()) {
    announce(userId ?? 'everybody');
  }
  await transaction.deleteFrom('owners').where('experiment_id', '=', id).execute();
}

async function move(
  { transaction, announce, now, workspace }: Here,
  { kind, from, to, moment }: { kind: string; from: string; to: string; moment: number },
): Promise<void> {
  if (from === ALL) {
    return;
  }
  // A user who has been granted something on the new name since has just that.
  await transaction
    .deleteFrom('grants')
    .where(countsIn(workspace))
    .where('resource_type', 'in', typesSharingNamesWith(kind))
    .where('resource_pattern', '=', from)
    .where(notAfter('created_at', moment, now))
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('grants as newer')
          .select('newer.id')
          .whereRef('newer.resource_type', '=', 'grants.resource_type')
          .where('newer.resource_pattern', '=', to)
          .where(({ eb, or, ref }) =>
            or([
              eb('newer.user_id', '=', ref('grants.user_id')),
              eb('newer.role_id', '=', ref('grants.role_id')),
            ]),
          ),
      ),
    )
    .execute();
  const moved = await transaction
    .updateTable('grants')
    .set({ resource_pattern: to, created_at: moment })
    .where(countsIn(workspace))
    .where('resource_type', 'in', typesSharingNamesWith(kind))
    .where('resource_pattern', '=', from)
    .where(notAfter('created_at', moment, now))
    .returning('user_id')
    .execute();
  for (const { user_id: userId } of moved) {
    announce(userId ?? 'everybody');
  }
  await moveSubject(transaction, { workspace, kind, id: from, before: moment, now }, to);
}

/** Whether anything was granted on a name after a moment. */
async function isGrantedBetween(
  { transaction, now, workspace }: Here,
  kind: string,
  id: string,
  since: number,
): Promise<boolean> {
  const grant = await transaction
    .selectFrom('grants')
    .select('id')
    .where(countsIn(workspace))
    .where('resource_type', 'in', typesSharingNamesWith(kind))
    .where('resource_pattern', '=', id)
    .where('created_at', '>', since)
    .where('created_at', '<=', now)
    .executeTakeFirst();
  return grant !== undefined;
}

async function isOpen(transaction: Transaction<Schema>, intentId: number | undefined): Promise<boolean> {
  if (intentId === undefined) {
    return true;
  }
  const intent = await transaction
    .selectFrom('intents')
    .select('id')
    .where('id', '=', intentId)
    .executeTakeFirst();
  return intent !== undefined;
}

/**
 * Closes the intent that a change settles; false if another process has done so, and the change with it: made
 * again, it could take what was granted since.
 */
async function settle(transaction: Transaction<Schema>, intentId: number | undefined): Promise<boolean> {
  if (intentId === undefined) {
    return true;
  }
  const { numDeletedRows } = await transaction
    .deleteFrom('intents')
    .where('id', '=', intentId)
    .executeTakeFirstOrThrow();
  return numDeletedRows > 0n;
}
