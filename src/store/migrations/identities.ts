import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { Engine } from '../engine.ts';

/** Whom providers of single sign-on call whom, and the roles that their groups are. */
export function identities({ idReference, text }: Engine): Migration {
  return {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('identities')
        .addColumn('issuer', text, (column) => column.notNull())
        .addColumn('subject', text, (column) => column.notNull())
        .addColumn('user_id', idReference, (column) =>
          column.notNull().references('users.id').onDelete('cascade'),
        )
        .addColumn('brought', 'integer', (column) => column.notNull())
        .addColumn('as_of', 'bigint', (column) => column.notNull())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .addPrimaryKeyConstraint('identities_key', ['issuer', 'subject'])
        .execute();
      await db.schema.createIndex('identities_user').on('identities').column('user_id').execute();
      // NULLs never clash in the index: roles of no provider have neither.
      await db.schema.alterTable('roles').addColumn('issuer', text).execute();
      await db.schema.alterTable('roles').addColumn('group_name', text).execute();
      await db.schema
        .createIndex('roles_group')
        .on('roles')
        .columns(['issuer', 'group_name'])
        .unique()
        .execute();
      await db.schema.alterTable('role_members').addColumn('issuer', text).execute();
      await db.schema.alterTable('role_members').addColumn('until', 'bigint').execute();
    },
  };
}
