import type { Kysely, Selectable } from 'kysely';
import type { Schema } from './schema.ts';
import type { Intent, IntentAction } from './types.ts';
import type { Write } from './write.ts';

/** What is about to happen upstream, kept until its outcome is known. */
export interface Intents {
  /** Writes an intent down; resolves once it would survive a crash. */
  open(action: IntentAction, userId: number): Promise<Intent>;
  /** Closes an intent that came to nothing; closing one twice does nothing. */
  close(id: number): Promise<void>;
  /** The open intents, oldest first. */
  list(): Promise<readonly Intent[]>;
}

export function createIntents(db: Kysely<Schema>, write: Write, clock: () => number): Intents {
  return {
    async open(action, userId) {
      const createdAt = clock();
      const { id } = await write((transaction) =>
        transaction
          .insertInto('intents')
          .values({
            user_id: userId,
            action: action.action,
            kind: action.kind,
            name: action.name,
            new_name: action.action === 'rename' ? action.newName : null,
            created_at: createdAt,
          })
          .returning('id')
          .executeTakeFirstOrThrow(),
      );
      return { ...action, id, userId, createdAt };
    },

    async close(id) {
      await write((transaction) => transaction.deleteFrom('intents').where('id', '=', id).execute());
    },

    async list() {
      const rows = await db.selectFrom('intents').selectAll().orderBy('id').execute();
      return rows.map((row) => ({
        ...readAction(row),
        id: row.id,
        userId: row.user_id,
        createdAt: row.created_at,
      }));
    },
  };
}

function readAction(row: Selectable<Schema['intents']>): IntentAction {
  const { action, kind, name, new_name: newName } = row;
  if (action === 'create' || action === 'delete') return { action, kind, name };
  if (action === 'rename' && newName !== null) return { action, kind, name, newName };
  throw new Error(`Intent ${row.id} in the store cannot be read (action ${action}).`);
}
