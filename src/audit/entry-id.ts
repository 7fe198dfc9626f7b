import { v7 as uuid } from 'uuid';

/** Counts entries of this process: those of one millisecond are told in the order in which they were made. */
let made = 0;

/** The id of an entry of a moment (milliseconds since the epoch): later ones are greater, in the order of text. */
export function entryId(at: number): string {
  made = (made + 1) >>> 0;
  return uuid({ msecs: at, seq: made });
}
