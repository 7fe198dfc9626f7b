import { unusable } from '../failure.ts';

const UNITS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** What a date may be written as (ISO 8601): a text that Date would guess at is none. */
const DATE = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2})?)?$/;

/**
 * Reads a moment, in milliseconds since the epoch: so long ago (`2d`), a date (`2026-11-29`, `2026-11-29T08:00Z`; local
 * time without a zone), or the milliseconds themselves.
 *
 * @param flag - what it was given as, for the message.
 * @throws CommandFailure (exit code 2).
 */
export function readMoment(flag: string, text: string, now: number): number {
  const [, count, unit = ''] = /^(\d{1,6})([smhdw])$/.exec(text) ?? [];
  if (count !== undefined) {
    return now - Number(count) * (UNITS[unit] ?? 0);
  }
  if (/^\d{10,15}$/.test(text)) {
    return Number(text);
  }
  // A date alone would be midnight in UTC.
  const at = DATE.test(text) ? new Date(text.length === 10 ? `${text}T00:00` : text).getTime() : Number.NaN;
  if (Number.isNaN(at) || at < 0) {
    throw unusable(`${flag} is how long ago, such as 2d, 12h or 30m, or a date such as 2026-11-29.`);
  }
  return at;
}
