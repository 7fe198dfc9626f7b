import { randomUUID } from 'node:crypto';

/** What the ids of this process end with, and those of no other: a hyphen and 48 random bits. */
const PROCESS = randomUUID().slice(23);

const HEXADECIMAL = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** How many ids this process has made, in 26 bits: those of one millisecond are told in the order in which they were made. */
let made = 0;
let latest = { moment: Number.NaN, begins: '' };

/**
 * A UUID of version 7: later ones are greater, in the order of text, and an index of them grows at its end alone. Where
 * one is made for each request, a tenth of what a library takes for it counts.
 *
 * @param at - milliseconds since the epoch.
 * @see RFC 9562, section 5.7: 48 bits of time, then, by method 1 of section 6.2, a counter and random bits.
 */
export function timeOrderedId(at: number): string {
  made = (made + 1) & 0x3ffffff;
  const moment = Math.floor(at);
  if (moment !== latest.moment) {
    const time = moment.toString(16).padStart(12, '0');
    latest = { moment, begins: `${time.slice(0, 8)}-${time.slice(8)}-` };
  }
  const high = hexadecimal(0x7000 | (made >>> 14));
  const low = hexadecimal(0x8000 | (made & 0x3fff));
  return `${latest.begins}${high}-${low}${PROCESS}`;
}

/** 16 bits as four digits: many times as fast as `toString(16)`. */
function hexadecimal(bits: number): string {
  return `${HEXADECIMAL[bits >>> 8]}${HEXADECIMAL[bits & 0xff]}`;
}
