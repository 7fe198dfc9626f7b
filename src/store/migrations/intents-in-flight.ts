import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Until when an intent is waited for by the gateway that opened it, and what had the name by then. */
export function intentsInFlight(): Migration {
  return {
    async up(db: Kysely<unknown>) {
      // The default is for an older gateway that still runs beside this one: its intents are nobody's to wait for.
      await db.schema
        .alterTable('intents')
        .addColumn('held_until', 'bigint', (column) => column.notNull().defaultTo(0))
        .execute();
      await db.schema.alterTable('intents').addColumn('seen', 'bigint').execute();
    },
  };
}
