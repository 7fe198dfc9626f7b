import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { Engine } from '../engine.ts';

/** Failed sign-ins by name, by address and by both; an empty text stands for any. */
export function throttles({ text }: Engine): Migration {
  return {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('throttles')
        .addColumn('username', text, (column) => column.notNull())
        .addColumn('ip', text, (column) => column.notNull())
        .addColumn('failures', 'integer', (column) => column.notNull())
        .addColumn('until', 'bigint', (column) => column.notNull())
        .addPrimaryKeyConstraint('throttles_key', ['username', 'ip'])
        .execute();
      await db.schema.createIndex('throttles_ip').on('throttles').column('ip').execute();
      await db.schema.createIndex('throttles_until').on('throttles').column('until').execute();
    },
  };
}
