import { ApiError, unavailable } from '../../../errors.ts';

/** Runs a statement; a database that fails is a 503, for silence never grants. */
export function answering<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw error instanceof ApiError ? error : unavailable('The store gave no answer.', error);
  }
}
