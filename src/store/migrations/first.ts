import { type CreateTableBuilder, type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { Engine } from '../engine.ts';

/** Users, roles, grants, intents, owners and the change feed. */
export function first(engine: Engine): Migration {
  return {
    async up(db: Kysely<unknown>) {
      await createHolders(db, engine);
      await createGrants(db, engine);
      await createRest(db, engine);
    },
  };
}

function withId(db: Kysely<unknown>, name: string, { idColumn }: Engine): CreateTableBuilder<string, 'id'> {
  return db.schema.createTable(name).addColumn('id', idColumn.type, idColumn.build);
}

/** Users, roles, and who is in which. */
async function createHolders(db: Kysely<unknown>, engine: Engine): Promise<void> {
  const { idReference, text } = engine;
  await withId(db, 'users', engine)
    .addColumn('username', text, (column) => column.notNull())
    .addColumn('username_key', text, (column) => column.notNull().unique())
    .addColumn('password_hash', text, (column) => column.notNull())
    .addColumn('is_admin', 'integer', (column) => column.notNull().check(sql`is_admin in (0, 1)`))
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addUniqueConstraint('users_username', ['username'])
    .execute();

  await withId(db, 'roles', engine)
    .addColumn('name', text, (column) => column.notNull())
    .addColumn('workspace', text, (column) => column.notNull().defaultTo('default'))
    .addColumn('description', text)
    .addUniqueConstraint('roles_name', ['workspace', 'name'])
    .execute();

  await withId(db, 'role_members', engine)
    .addColumn('user_id', idReference, (column) =>
      column.notNull().references('users.id').onDelete('cascade'),
    )
    .addColumn('role_id', idReference, (column) =>
      column.notNull().references('roles.id').onDelete('cascade'),
    )
    .addUniqueConstraint('role_members_once', ['user_id', 'role_id'])
    .execute();
  await db.schema.createIndex('role_members_role').on('role_members').column('role_id').execute();
}

async function createGrants(db: Kysely<unknown>, engine: Engine): Promise<void> {
  const { idReference, text } = engine;
  // The unique constraints are also the indexes by user and by role; NULLs never clash in them.
  await withId(db, 'grants', engine)
    .addColumn('user_id', idReference, (column) => column.references('users.id').onDelete('cascade'))
    .addColumn('role_id', idReference, (column) => column.references('roles.id').onDelete('cascade'))
    .addColumn('resource_type', text, (column) => column.notNull())
    .addColumn('resource_pattern', text, (column) => column.notNull())
    .addColumn('permission', text, (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addCheckConstraint('grants_one_holder', sql`(user_id is null) <> (role_id is null)`)
    .addUniqueConstraint('grants_user', ['user_id', 'resource_type', 'resource_pattern'])
    .addUniqueConstraint('grants_role', ['role_id', 'resource_type', 'resource_pattern'])
    .execute();
  await db.schema
    .createIndex('grants_resource')
    .on('grants')
    .columns(['resource_type', 'resource_pattern'])
    .execute();
}

/** Intents, owners and the change feed. */
async function createRest(db: Kysely<unknown>, engine: Engine): Promise<void> {
  const { idReference, text } = engine;
  // No reference to users: what a deleted user had begun is settled all the same.
  await withId(db, 'intents', engine)
    .addColumn('user_id', idReference, (column) => column.notNull())
    .addColumn('action', text, (column) => column.notNull())
    .addColumn('kind', text, (column) => column.notNull())
    .addColumn('name', text, (column) => column.notNull())
    .addColumn('new_name', text)
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute();

  await db.schema
    .createTable('owners')
    .addColumn('kind', text, (column) => column.notNull())
    .addColumn('id', text, (column) => column.notNull())
    .addColumn('user_id', idReference, (column) =>
      column.notNull().references('users.id').onDelete('cascade'),
    )
    .addColumn('experiment_id', text)
    .addPrimaryKeyConstraint('owners_key', ['kind', 'id'])
    .execute();
  await db.schema.createIndex('owners_user').on('owners').column('user_id').execute();

  // No reference to users either: the news that a user is gone outlives the user.
  await withId(db, 'changes', engine)
    .addColumn('user_id', idReference)
    .addColumn('at', 'bigint', (column) => column.notNull())
    .execute();
}
