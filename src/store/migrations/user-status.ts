import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Whether a user may sign in, is a service, has to change the password first, and who made them. */
export function userStatus(): Migration {
  return {
    async up(db: Kysely<unknown>) {
      // Defaults for users who are there, and for an older gateway that still runs beside this one.
      for (const [name, byDefault] of [
        ['is_active', 1],
        ['is_service', 0],
        ['must_change_password', 0],
      ] as const) {
        await db.schema
          .alterTable('users')
          .addColumn(name, 'integer', (column) =>
            column
              .notNull()
              .defaultTo(byDefault)
              .check(sql`${sql.ref(name)} in (0, 1)`),
          )
          .execute();
      }
      // A name, which outlives its user.
      await db.schema.alterTable('users').addColumn('created_by', 'text').execute();
    },
  };
}
