import type { ExpressionBuilder, Kysely, Transaction } from 'kysely';
import { loseSubject } from './access-requests.ts';
import type { Engine } from './engine.ts';
import { notAfter } from './moment.ts';
import { typeInside } from './namespaces.ts';
import type { Schema } from './schema.ts';
import { countsIn, DEFAULT_WORKSPACE } from './workspace.ts';
import type { Announce, Write } from './write.ts';

/** Which experiment has an id. */
export interface ExperimentMade {
  readonly id: number;
  /** When it was made, in milliseconds since the epoch, by MLflow's clock; 0 if MLflow does not know. */
  readonly madeAt: number;
}

/** What is known before MLflow is asked. */
export interface Known {
  /** What time it is by the store's clock. */
  readonly now: number;
  /** Ids that the gateway has had given to new experiments, of which MLflow has told nothing yet. */
  readonly unsure: readonly number[];
  /** The highest id of all, -1 if there is none. */
  readonly highest: number;
}

/** What MLflow has told of its experiments. */
export interface Sighting {
  /** When it was asked, by the store's clock: what the gateway itself has seen made since is not in it. */
  readonly askedAt: number;
  readonly found: readonly ExperimentMade[];
  /** Ids that nothing has. */
  readonly gone: readonly number[];
  /** Nothing has one above this either; undefined if that was not asked. */
  readonly highest: number | undefined;
}

/**
 * Which experiment each grant is on. A database of MLflow's may give the id of an experiment that is gone to another: the
 * grants on the former one are then set aside, and come back if it does.
 *
 * MLflow's times are compared with MLflow's alone, and for being the same: no two clocks have to agree.
 */
export interface Experiments {
  /** Every experiment of which MLflow has told when it was made. */
  list(): Promise<readonly ExperimentMade[]>;
  /** What is known of all. */
  known(): Promise<Known>;
  /**
   * Notes what MLflow has told. An experiment that is seen for the first time has the grants that there are on its id.
   *
   * @returns the ids that another experiment has now, or none.
   */
  note(sighting: Sighting): Promise<readonly Reassigned[]>;
}

/** An id that has become another experiment's, or nothing's, with the grants on it and on what lies in it. */
export interface Reassigned {
  readonly id: number;
  readonly before: readonly HeldGrant[];
  readonly after: readonly HeldGrant[];
}

/** A grant with who holds it. */
export interface HeldGrant {
  readonly holder: { readonly username: string } | { readonly role: string };
  readonly type: string;
  readonly pattern: string;
  readonly permission: string;
}

export function createExperiments(
  db: Kysely<Schema>,
  write: Write,
  engine: Pick<Engine, 'now'>,
): Experiments {
  return {
    async list() {
      const rows = await db
        .selectFrom('experiments')
        .select(['experiment_id as id', 'made_at as madeAt'])
        .where('made_at', 'is not', null)
        .execute();
      return rows.flatMap(({ id, madeAt }) => (madeAt === null ? [] : [{ id, madeAt }]));
    },

    async known() {
      const unsure = await db
        .selectFrom('experiments')
        .select('experiment_id as id')
        .where('made_at', 'is', null)
        .execute();
      const { now, highest } = await db
        .selectNoFrom((select) => [
          engine.now().as('now'),
          select
            .selectFrom('experiments')
            .select(({ fn }) => fn.max('experiment_id').as('highest'))
            .as('highest'),
        ])
        .executeTakeFirstOrThrow();
      return { now, unsure: unsure.map(({ id }) => id), highest: highest ?? -1 };
    },

    note: (sighting) =>
      write(async (transaction, announce, now) => {
        const gone = await removeGone(transaction, announce, sighting, now);
        const replaced: Reassigned[] = [];
        for (const experiment of sighting.found) {
          replaced.push(...(await noteOne(transaction, announce, experiment, sighting.askedAt, now)));
        }
        return [...gone, ...replaced];
      }),
  };
}

/** Notes that the gateway has had an experiment made, whose moment MLflow has not told yet. */
export async function noteMade(transaction: Transaction<Schema>, id: string, now: number): Promise<void> {
  const experiment = Number(id);
  if (!isCounted(experiment)) {
    return;
  }
  await transaction
    .insertInto('experiments')
    .values({ experiment_id: experiment, made_at: null, noted_at: now })
    .onConflict((conflict) => conflict.column('experiment_id').doUpdateSet({ made_at: null, noted_at: now }))
    .execute();
}

/** The last id that MLflow's databases count up to. */
const LAST = 2_147_483_647;
/** The moment of an experiment of which MLflow has never told it: no other has the same. */
const UNKNOWN = -1;

/** Whether an id may be given out again: the database has counted it up. */
export const isCounted = (id: number): boolean => Number.isSafeInteger(id) && id >= 0 && id <= LAST;

async function removeGone(
  transaction: Transaction<Schema>,
  announce: Announce,
  { gone, highest = LAST, askedAt }: Sighting,
  now: number,
): Promise<readonly Reassigned[]> {
  const removed = await transaction
    .deleteFrom('experiments')
    .where(({ eb, or }) =>
      or([eb('experiment_id', '>', highest), ...(gone.length > 0 ? [eb('experiment_id', 'in', gone)] : [])]),
    )
    .where(notAfter('noted_at', askedAt, now))
    .returning(['experiment_id as id', 'made_at as madeAt'])
    .execute();
  const reassigned: Reassigned[] = [];
  for (const { id, madeAt } of removed) {
    const before = await setAside(transaction, announce, { id, madeAt: madeAt ?? UNKNOWN });
    reassigned.push({ id, before, after: [] });
  }
  return reassigned;
}

/** @returns the id, if it was another's before or its grants have come back. */
async function noteOne(
  transaction: Transaction<Schema>,
  announce: Announce,
  experiment: ExperimentMade,
  askedAt: number,
  now: number,
): Promise<readonly Reassigned[]> {
  const { id, madeAt } = experiment;
  const known = await transaction
    .selectFrom('experiments')
    .select(['made_at', 'noted_at'])
    .where('experiment_id', '=', id)
    .executeTakeFirst();
  if (known?.made_at === madeAt) {
    return [];
  }
  if (known === undefined) {
    await transaction
      .insertInto('experiments')
      .values({ experiment_id: id, made_at: madeAt, noted_at: now })
      .execute();
    const after = await bringBack(transaction, announce, experiment);
    return after.length === 0 ? [] : [{ id, before: [], after }];
  }
  if (known.noted_at > askedAt && known.noted_at <= now) {
    return [];
  }
  await transaction
    .updateTable('experiments')
    .set({ made_at: madeAt, noted_at: now })
    .where('experiment_id', '=', id)
    .execute();
  if (known.made_at === null) {
    return [];
  }
  const before = await setAside(transaction, announce, { id, madeAt: known.made_at });
  return [{ id, before, after: await bringBack(transaction, announce, experiment) }];
}

/** Takes all grants on an experiment and on what lay in it, and keeps them for when it comes back. */
async function setAside(
  transaction: Transaction<Schema>,
  announce: Announce,
  { id, madeAt }: ExperimentMade,
): Promise<readonly HeldGrant[]> {
  const before = await heldOn(transaction, id);
  const removed = await transaction
    .deleteFrom('grants')
    .where(countsIn(DEFAULT_WORKSPACE))
    .where(isOn(String(id)))
    .returning(['user_id', 'role_id', 'resource_type', 'resource_pattern', 'permission', 'created_at'])
    .execute();
  await transaction.deleteFrom('owners').where('experiment_id', '=', String(id)).execute();
  await loseSubject(transaction, { workspace: DEFAULT_WORKSPACE, kind: 'experiment', id: String(id) });
  for (const grant of removed) {
    await transaction
      .insertInto('former_grants')
      .values({ ...grant, experiment_id: id, made_at: madeAt })
      .execute();
    announce(grant.user_id ?? 'everybody');
  }
  return before;
}

/** Gives the grants on an experiment back; a user who has been granted something on its id since has just that. */
async function bringBack(
  transaction: Transaction<Schema>,
  announce: Announce,
  { id, madeAt }: ExperimentMade,
): Promise<readonly HeldGrant[]> {
  const former = await transaction
    .deleteFrom('former_grants')
    .where('experiment_id', '=', id)
    .where('made_at', '=', madeAt)
    .returning(['user_id', 'role_id', 'resource_type', 'resource_pattern', 'permission', 'created_at'])
    .execute();
  for (const { user_id, role_id, ...grant } of former) {
    await transaction
      .insertInto('grants')
      .values({
        ...grant,
        ...(user_id === null ? {} : { user_id }),
        ...(role_id === null ? {} : { role_id }),
      })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    announce(user_id ?? 'everybody');
  }
  return former.length === 0 ? [] : heldOn(transaction, id);
}

async function heldOn(transaction: Transaction<Schema>, id: number): Promise<readonly HeldGrant[]> {
  const rows = await transaction
    .selectFrom('grants')
    .leftJoin('users', 'users.id', 'grants.user_id')
    .leftJoin('roles', 'roles.id', 'grants.role_id')
    .select([
      'users.username',
      'roles.name as role',
      'resource_type as type',
      'resource_pattern as pattern',
      'permission',
    ])
    .where(countsIn(DEFAULT_WORKSPACE))
    .where(isOn(String(id)))
    .orderBy('grants.id')
    .execute();
  return rows.map(({ username, role, ...grant }) => ({
    holder: username === null ? { role: role ?? '' } : { username },
    ...grant,
  }));
}

/**
 * Grants on an experiment, and those on things in it, which are named `<its id>/<name>`. What is known of ids is known of
 * the default workspace.
 */
const isOn =
  (id: string) =>
  ({ eb, and, or }: ExpressionBuilder<Schema, 'grants'>) =>
    or([
      and([eb('resource_type', '=', 'experiment'), eb('resource_pattern', '=', id)]),
      and([
        eb('resource_type', '=', typeInside('experiment') ?? ''),
        eb('resource_pattern', '>=', `${id}/`),
        // In the order of bytes, '0' comes next after '/'.
        eb('resource_pattern', '<', `${id}0`),
      ]),
    ]);
