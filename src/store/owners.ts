import type { Kysely } from 'kysely';
import type { Schema } from './schema.ts';
import type { Owner } from './types.ts';
import { userExists } from './users.ts';
import type { Write } from './write.ts';

/**
 * Who started what the upstream keeps no owner for. Read afresh for each request that needs it, so it has no
 * part in the change feed.
 */
export interface Owners {
  /** Notes the owner, in the place of an earlier one. Of a user deleted meanwhile nothing is noted. */
  record(kind: string, id: string, owner: Owner): Promise<void>;
  get(kind: string, id: string): Promise<Owner | undefined>;
}

export function createOwners(db: Kysely<Schema>, write: Write): Owners {
  return {
    record: (kind, id, { userId, experimentId }) =>
      write(async (transaction) => {
        await transaction.deleteFrom('owners').where('kind', '=', kind).where('id', '=', id).execute();
        if (!(await userExists(transaction, userId))) {
          return;
        }
        await transaction
          .insertInto('owners')
          .values({ kind, id, user_id: userId, experiment_id: experimentId ?? null })
          .execute();
      }),

    async get(kind, id) {
      const row = await db
        .selectFrom('owners')
        .select(['user_id', 'experiment_id'])
        .where('kind', '=', kind)
        .where('id', '=', id)
        .executeTakeFirst();
      return row && { userId: row.user_id, experimentId: row.experiment_id ?? undefined };
    },
  };
}
