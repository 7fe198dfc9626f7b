import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { Engine } from '../engine.ts';

/** The audit log. No reference to users: what a deleted user did stays readable. */
export function audit(engine: Engine): Migration {
  return {
    async up(db: Kysely<unknown>) {
      await createAuditTables(db, engine);
    },
  };
}

/**
 * Makes the tables of the audit log. Segments have ids in the order of time, and stand behind what they are found by: a
 * search reads them newest first, without sorting.
 */
export async function createAuditTables(
  db: Pick<Kysely<unknown>, 'schema'>,
  { text, keptByKey }: Engine,
): Promise<void> {
  await db.schema
    .createTable('audit_segments')
    .addColumn('id', text, (column) => column.primaryKey())
    .addColumn('entries', text, (column) => column.notNull())
    .execute();
  await db.schema
    .createTable('audit_terms')
    .addColumn('term', text, (column) => column.notNull())
    .addColumn('segment_id', text, (column) => column.notNull())
    .addColumn('first_id', text, (column) => column.notNull())
    .addColumn('positions', text, (column) => column.notNull())
    .addPrimaryKeyConstraint('audit_terms_key', ['term', 'segment_id'])
    .modifyEnd(keptByKey)
    .execute();
}
