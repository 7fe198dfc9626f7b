import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { Engine } from '../engine.ts';

/**
 * The audit log. No reference to users: what a deleted user did stays readable. Ids are in the order of time, so that
 * each index with the id at its end answers one kind of search, newest first, without sorting.
 */
export function audit({ text }: Engine): Migration {
  return {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('audit')
        .addColumn('id', text, (column) => column.primaryKey())
        .addColumn('at', 'bigint', (column) => column.notNull())
        .addColumn('request_id', text)
        .addColumn('username', text)
        .addColumn('credential_kind', text)
        .addColumn('credential_id', text)
        .addColumn('ip', text)
        .addColumn('method', text)
        .addColumn('path', text)
        .addColumn('operation', text)
        .addColumn('action', text, (column) => column.notNull())
        .addColumn('allowed', 'integer', (column) => column.notNull())
        .addColumn('enforced', 'integer', (column) => column.notNull())
        .addColumn('because', text, (column) => column.notNull())
        .addColumn('status', 'integer')
        .addColumn('duration_ms', 'integer')
        .addColumn('change', text)
        .execute();
      for (const column of ['at', 'username', 'action', 'allowed', 'request_id'] as const) {
        await db.schema.createIndex(`audit_${column}`).on('audit').columns([column, 'id']).execute();
      }

      await db.schema
        .createTable('audit_resources')
        .addColumn('entry_id', text, (column) => column.notNull())
        .addColumn('resource_type', text, (column) => column.notNull())
        .addColumn('resource_id', text, (column) => column.notNull())
        .addPrimaryKeyConstraint('audit_resources_key', ['resource_type', 'resource_id', 'entry_id'])
        .execute();
      await db.schema.createIndex('audit_resources_entry').on('audit_resources').column('entry_id').execute();
    },
  };
}
