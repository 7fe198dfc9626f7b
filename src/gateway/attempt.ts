import { ApiError } from '../errors.ts';

/** What a reading answers; undefined where it refuses what it reads. */
export function attempt<T>(reading: () => T): T | undefined {
  try {
    return reading();
  } catch (error) {
    if (error instanceof ApiError) {
      return undefined;
    }
    throw error;
  }
}
