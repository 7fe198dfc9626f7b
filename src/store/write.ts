import type { Kysely, Transaction } from 'kysely';
import type { Engine } from './engine.ts';
import type { Schema } from './schema.ts';

/** How many rows the change feed keeps; a reader further behind than that starts afresh. */
export const CHANGES_KEPT = 10_000;

/** More users than this are announced as everybody: one row costs less than hundreds. */
const NAMED_AT_MOST = 100;

/** Says whose rights the running transaction alters: a user's id, or everybody's. */
export type Announce = (who: number | 'everybody') => void;

/** Runs one write transaction, alone of all gateways on the store, and publishes in it what was announced. */
export type Write = <T>(
  work: (transaction: Transaction<Schema>, announce: Announce, now: number) => Promise<T>,
) => Promise<T>;

/** Makes the one way in which this store is written to. */
export function createWrite(db: Kysely<Schema>, engine: Engine): Write {
  return (work) =>
    db.transaction().execute(async (transaction) => {
      await engine.lockForWriting(transaction);
      const now = await tellTime(transaction, engine);
      const announced = new Set<number | 'everybody'>();
      const result = await work(transaction, (who) => announced.add(who), now);
      if (announced.size > 0) {
        await publish(transaction, announced, now);
      }
      return result;
    });
}

/** What time it is for every gateway on the store, in milliseconds since the epoch. */
export async function tellTime(db: Kysely<Schema>, engine: Pick<Engine, 'now'>): Promise<number> {
  const { now } = await db.selectNoFrom(engine.now().as('now')).executeTakeFirstOrThrow();
  return now;
}

async function publish(
  transaction: Transaction<Schema>,
  announced: ReadonlySet<number | 'everybody'>,
  at: number,
): Promise<void> {
  const everybody = announced.has('everybody') || announced.size > NAMED_AT_MOST;
  const userIds = everybody ? [null] : [...announced].filter((who) => who !== 'everybody');
  const rows = await transaction
    .insertInto('changes')
    .values(userIds.map((userId) => ({ user_id: userId, at })))
    .returning('id')
    .execute();
  const newest = Math.max(...rows.map(({ id }) => id));
  await transaction
    .deleteFrom('changes')
    .where('id', '<=', newest - CHANGES_KEPT)
    .execute();
}
