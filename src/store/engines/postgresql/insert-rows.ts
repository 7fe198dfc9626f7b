import { sql } from 'kysely';
import type { InsertRows } from '../../engine.ts';

/** Adds rows in one parameter, whose types are those of the table: to read a row of values for each takes longer. */
export const insertRows: InsertRows = async (db, table, columns, rows) => {
  const named = sql.join(columns.map((column) => sql.ref(column)));
  const records = rows.map((row) => Object.fromEntries(columns.map((column, index) => [column, row[index]])));
  await sql`
    insert into ${sql.table(table)} (${named})
    select ${named} from jsonb_populate_recordset(null::${sql.table(table)}, ${JSON.stringify(records)}::jsonb)`.execute(
    db,
  );
};
