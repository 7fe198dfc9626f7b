import { randomBytes } from 'node:crypto';
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { Engine } from '../engine.ts';
import type { Schema } from '../schema.ts';

/** The key that page tokens are sealed with, made once for all gateways that share the store. */
export function pageTokenKey({ text }: Engine): Migration {
  return {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('keys')
        .addColumn('name', text, (column) => column.primaryKey())
        .addColumn('value', text, (column) => column.notNull())
        .execute();
      await (db as Kysely<Schema>)
        .insertInto('keys')
        .values({ name: 'page-token', value: randomBytes(32).toString('base64') })
        .execute();
    },
  };
}
