import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { Engine } from '../engine.ts';

/**
 * The audit log. No reference to users: what a deleted user did stays readable. Ids are in the order of time, so that
 * each index with the id behind what it finds answers one kind of search, newest first, without sorting. What entries
 * are looked for by besides stands behind the id: a search by several things at once reads the index alone, however few
 * of its entries are meant.
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
      await createIndexes(db, 'audit', {
        audit_request_id: ['request_id', 'id'],
        audit_username: ['username', 'id', 'action', 'allowed'],
        audit_action: ['action', 'id', 'allowed'],
        audit_allowed: ['allowed', 'id', 'action'],
      });

      // With what else entries are looked for by, for the same reason.
      await db.schema
        .createTable('audit_resources')
        .addColumn('entry_id', text, (column) => column.notNull())
        .addColumn('resource_type', text, (column) => column.notNull())
        .addColumn('resource_id', text, (column) => column.notNull())
        .addColumn('username', text)
        .addColumn('action', text, (column) => column.notNull())
        .addColumn('allowed', 'integer', (column) => column.notNull())
        .execute();
      await createIndexes(db, 'audit_resources', {
        audit_resources_entry: ['entry_id'],
        audit_resources_id: ['resource_id', 'entry_id', 'resource_type', 'username', 'action', 'allowed'],
        audit_resources_type: ['resource_type', 'entry_id', 'username', 'action', 'allowed'],
      });
    },
  };
}

async function createIndexes(
  db: Kysely<unknown>,
  table: string,
  indexes: Readonly<Record<string, readonly string[]>>,
): Promise<void> {
  for (const [name, columns] of Object.entries(indexes)) {
    await db.schema
      .createIndex(name)
      .on(table)
      .columns([...columns])
      .execute();
  }
}
