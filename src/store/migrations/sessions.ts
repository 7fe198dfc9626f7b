import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { Engine } from '../engine.ts';

/** Browsers in which users have signed in: what is kept of a secret is its hash. */
export function sessions({ idReference, text }: Engine): Migration {
  return {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('sessions')
        .addColumn('id', text, (column) => column.primaryKey())
        .addColumn('user_id', idReference, (column) =>
          column.notNull().references('users.id').onDelete('cascade'),
        )
        .addColumn('hash', text, (column) => column.notNull())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .addColumn('last_used_at', 'bigint', (column) => column.notNull())
        .addColumn('expires_at', 'bigint', (column) => column.notNull())
        .addColumn('ip', text)
        .addColumn('user_agent', text)
        .addUniqueConstraint('sessions_hash', ['hash'])
        .execute();
      await db.schema.createIndex('sessions_user').on('sessions').columns(['user_id', 'id']).execute();
      await db.schema.createIndex('sessions_end').on('sessions').column('expires_at').execute();
      await db.schema.createIndex('sessions_use').on('sessions').column('last_used_at').execute();
    },
  };
}
