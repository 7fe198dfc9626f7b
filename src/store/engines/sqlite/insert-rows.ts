import { CompiledQuery } from 'kysely';
import type { InsertRows } from '../../engine.ts';

/** Rows of one statement: every full one has the same text, which is prepared once. */
const ROWS_AT_ONCE = 50;

/**
 * Adds rows by statements of fixed text. To have kysely put a statement together for as many values, or SQLite take them
 * out of JSON, costs as much as to store them.
 */
export const insertRows: InsertRows = async (db, table, columns, rows) => {
  const row = `(${columns.map(() => '?').join(', ')})`;
  for (let start = 0; start < rows.length; start += ROWS_AT_ONCE) {
    const some = rows.slice(start, start + ROWS_AT_ONCE);
    const values = Array.from(some, () => row).join(', ');
    const text = `insert into ${table} (${columns.join(', ')}) values ${values}`;
    await db.executeQuery(CompiledQuery.raw(text, some.flat()));
  }
};
