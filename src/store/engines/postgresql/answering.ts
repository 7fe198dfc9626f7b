import { DatabaseError } from 'pg';
import { ApiError, invalid, unavailable } from '../../../errors.ts';

/** Whether PostgreSQL itself has said no, and goes on; anything else leaves the connection in no state to be used. */
export const isAnswered = (error: unknown): boolean =>
  error instanceof ApiError && error.cause instanceof StoreFailure && error.cause.isAnswered;

/** What the log is told of a failure: PostgreSQL's own details may hold a row, with the hash of a password. */
class StoreFailure extends Error {
  override readonly name = 'StoreFailure';
  readonly isAnswered: boolean;

  constructor(error: unknown) {
    const code = error instanceof DatabaseError && error.code !== undefined ? ` (${error.code})` : '';
    super(`PostgreSQL: ${error instanceof Error ? error.message : String(error)}${code}`);
    this.isAnswered = error instanceof DatabaseError && error.severity !== 'FATAL';
  }
}

/** @see https://www.postgresql.org/docs/current/errcodes-appendix.html */
const NOT_TEXT = new Set(['22021', '22P05']);
const TOO_LARGE = '54000';

/** Asks; a database that fails is a 503, for silence never grants. */
export async function answering<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof DatabaseError && NOT_TEXT.has(error.code ?? '')) {
      throw invalid('A name cannot hold a zero character.');
    }
    if (error instanceof DatabaseError && error.code === TOO_LARGE) {
      throw invalid('A name is too long.');
    }
    throw unavailable('The store gave no answer.', new StoreFailure(error));
  }
}
