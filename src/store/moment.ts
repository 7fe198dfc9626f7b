import { type RawBuilder, type SqlBool, sql } from 'kysely';

/**
 * Rows of a moment or before. One that is from the future was written before the clock was put back: taken for a new one,
 * a grant would outlive what it was on, and hold for whatever gets the name next.
 *
 * @param column - when a row was written, in milliseconds since the epoch as `moment` and `now` are.
 */
export function notAfter(column: string, moment: number, now: number): RawBuilder<SqlBool> {
  const written = sql.ref(column);
  return sql`(${written} <= ${moment} or ${written} > ${now})`;
}
