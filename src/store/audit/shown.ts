/** Longer than every name that is good for anything. Entries wait in memory, and what is in them is of a caller's choosing. */
export const LONGEST_TEXT = 1000;

/**
 * A text of an entry, and of what entries are looked for by, as it is kept: what was cut is found by what was sent. To do
 * it again changes nothing, as terms are told anew by entries that are read.
 */
export function cut(text: string): string {
  const shown = showable(text);
  if (shown.length <= LONGEST_TEXT) {
    return shown;
  }
  const start = shown.slice(0, LONGEST_TEXT);
  return `${start.isWellFormed() ? start : start.slice(0, -1)}…`;
}

/**
 * NUL, and half of a surrogate pair, are shown as what cannot be shown: terminals and spreadsheets do not take the one, and
 * PostgreSQL takes neither.
 */
export function showable(text: string): string {
  const whole = text.isWellFormed() ? text : text.toWellFormed();
  return whole.includes('\0') ? whole.replaceAll('\0', '\ufffd') : whole;
}
