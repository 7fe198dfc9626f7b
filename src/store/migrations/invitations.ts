import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { Engine } from '../engine.ts';

/** Links by which users choose a password, one a user at most: what is kept of a secret is its hash. */
export function invitations({ idReference, text }: Engine): Migration {
  return {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('invitations')
        .addColumn('id', text, (column) => column.primaryKey())
        .addColumn('user_id', idReference, (column) =>
          column.notNull().references('users.id').onDelete('cascade'),
        )
        .addColumn('hash', text, (column) => column.notNull())
        .addColumn('kind', text, (column) =>
          column.notNull().check(sql`kind in ('invitation', 'password_reset')`),
        )
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .addColumn('expires_at', 'bigint', (column) => column.notNull())
        // A name, which outlives its user.
        .addColumn('created_by', text, (column) => column.notNull())
        .addUniqueConstraint('invitations_user', ['user_id'])
        .addUniqueConstraint('invitations_hash', ['hash'])
        .execute();
    },
  };
}
