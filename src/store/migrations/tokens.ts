import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { Engine } from '../engine.ts';

/** Tokens of users: what is kept of a secret is its hash. */
export function tokens({ idReference, text }: Engine): Migration {
  return {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('tokens')
        .addColumn('id', text, (column) => column.primaryKey())
        .addColumn('user_id', idReference, (column) =>
          column.notNull().references('users.id').onDelete('cascade'),
        )
        .addColumn('name', text, (column) => column.notNull())
        .addColumn('hash', text, (column) => column.notNull())
        .addColumn('prefix', text, (column) => column.notNull())
        .addColumn('scope', text)
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .addColumn('expires_at', 'bigint')
        .addColumn('last_used_at', 'bigint')
        // A name, which outlives its user.
        .addColumn('created_by', text)
        .addUniqueConstraint('tokens_hash', ['hash'])
        .execute();
      await db.schema.createIndex('tokens_user').on('tokens').columns(['user_id', 'id']).execute();
    },
  };
}
