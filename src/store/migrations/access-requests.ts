import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { Engine } from '../engine.ts';

/** What users ask for access to. */
export function accessRequests({ idColumn, idReference, text }: Engine): Migration {
  return {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('access_requests')
        .addColumn('id', idColumn.type, idColumn.build)
        .addColumn('user_id', idReference, (column) =>
          column.notNull().references('users.id').onDelete('cascade'),
        )
        .addColumn('workspace', text, (column) => column.notNull())
        .addColumn('resource_type', text, (column) => column.notNull())
        // What was asked for, in the words of who asked; and what that is called now, if there still is such a thing.
        .addColumn('asked_for', text, (column) => column.notNull())
        .addColumn('resource_id', text)
        .addColumn('permission', text, (column) => column.notNull())
        .addColumn('message', text, (column) => column.notNull())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .addColumn('state', text, (column) => column.notNull())
        .addColumn('granted', text)
        .addColumn('answer', text)
        .addColumn('answered_at', 'bigint')
        // A name, which outlives its user.
        .addColumn('answered_by', text)
        .execute();
      for (const [name, columns] of [
        ['user', ['user_id', 'id']],
        ['state', ['state', 'id']],
        ['resource', ['resource_id', 'resource_type']],
      ] as const) {
        await db.schema
          .createIndex(`access_requests_${name}`)
          .on('access_requests')
          .columns([...columns])
          .execute();
      }
    },
  };
}
