import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { Engine } from '../engine.ts';

/** Which experiment has which id, and grants on those that had it before: MLflow's database may give an id out again. */
export function experiments({ text, idReference }: Engine): Migration {
  return {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('experiments')
        // MLflow gives these ids out, not this database.
        .addColumn('experiment_id', 'bigint', (column) => column.primaryKey())
        .addColumn('made_at', 'bigint')
        .addColumn('noted_at', 'bigint', (column) => column.notNull())
        .execute();
      await db.schema.createIndex('experiments_made_at').on('experiments').column('made_at').execute();
      await db.schema
        .createTable('former_grants')
        .addColumn('experiment_id', 'bigint', (column) => column.notNull())
        .addColumn('made_at', 'bigint', (column) => column.notNull())
        .addColumn('user_id', idReference, (column) => column.references('users.id').onDelete('cascade'))
        .addColumn('role_id', idReference, (column) => column.references('roles.id').onDelete('cascade'))
        .addColumn('resource_type', text, (column) => column.notNull())
        .addColumn('resource_pattern', text, (column) => column.notNull())
        .addColumn('permission', text, (column) => column.notNull())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .execute();
      for (const column of ['experiment_id', 'user_id', 'role_id']) {
        await db.schema.createIndex(`former_grants_${column}`).on('former_grants').column(column).execute();
      }
    },
  };
}
