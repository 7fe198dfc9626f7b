import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { Engine } from '../engine.ts';

/** Sessions that began at a provider of single sign-on, and sign-ins there that have come back. */
export function providerSessions({ text }: Engine): Migration {
  return {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('provider_sessions')
        .addColumn('session_id', text, (column) =>
          column.primaryKey().references('sessions.id').onDelete('cascade'),
        )
        .addColumn('issuer', text, (column) => column.notNull())
        .addColumn('subject', text, (column) => column.notNull())
        .addColumn('sid', text)
        // Sealed: a store that is stolen signs nobody in at the provider.
        .addColumn('refresh_token', text)
        .addColumn('id_token', text)
        .addColumn('check_at', 'bigint', (column) => column.notNull())
        .addColumn('held_until', 'bigint', (column) => column.notNull())
        .execute();
      await db.schema
        .createIndex('provider_sessions_subject')
        .on('provider_sessions')
        .columns(['issuer', 'subject'])
        .execute();
      await db.schema
        .createTable('used_sign_ins')
        .addColumn('key', text, (column) => column.primaryKey())
        .addColumn('until', 'bigint', (column) => column.notNull())
        .execute();
    },
  };
}
