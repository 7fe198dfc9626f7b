import { type AuditEntry, momentOf } from './entry.ts';
import { termsOf } from './terms.ts';

/**
 * Entries of about the same time, kept as one. To keep and to index each entry by itself costs fourteen insertions into
 * B-trees; entries of about the same time have much in common, and what they have in common is kept once.
 */
export interface Segment {
  /**
   * The id of its newest entry, a slash, and how many entries it has: it stands for the same entries always, as segments
   * that are put together make a longer one.
   */
  readonly id: string;
  /** The id of its oldest entry. */
  readonly firstId: string;
  /** JSON Lines, oldest first. */
  readonly entries: string;
  /** Which entries have each {@link termsOf term}: {@link positionsOf positions} from the oldest. */
  readonly terms: ReadonlyMap<string, string>;
}

/** Entries of a segment at most: a page of a search reads some hundred kilobytes, and a set of positions is short. */
export const SEGMENT_SIZE = 256;

/** Time from the oldest entry of a segment to the newest at most, so that it is known how far back one can reach. */
export const SEGMENT_SPAN_MS = 3_600_000;

/** Puts entries into as few segments as can be, each entry into one. */
export function segmentsOf(entries: readonly AuditEntry[]): readonly Segment[] {
  const inOrder = entries.toSorted((one, other) => (one.id < other.id ? -1 : 1));
  const segments: Segment[] = [];
  let start = 0;
  for (let end = 1; end <= inOrder.length; end += 1) {
    const next = inOrder[end];
    const first = inOrder[start];
    const fits =
      next !== undefined &&
      first !== undefined &&
      end - start < SEGMENT_SIZE &&
      momentOf(next.id) - momentOf(first.id) <= SEGMENT_SPAN_MS;
    if (!fits) {
      segments.push(segmentOf(inOrder.slice(start, end)));
      start = end;
    }
  }
  return segments;
}

/** The id of the newest entry of a segment. */
export const newestIn = (segmentId: string): string => segmentId.split('/')[0] ?? '';

/** How many entries a segment has. */
export const sizeOf = (segmentId: string): number => Number(segmentId.split('/')[1]);

function segmentOf(entries: readonly AuditEntry[]): Segment {
  const having = new Map<string, number[]>();
  for (const [position, entry] of entries.entries()) {
    for (const term of termsOf(entry)) {
      const positions = having.get(term);
      if (positions === undefined) {
        having.set(term, [position]);
      } else if (positions.at(-1) !== position) {
        positions.push(position);
      }
    }
  }
  return {
    id: `${entries.at(-1)?.id}/${entries.length}`,
    firstId: entries[0]?.id ?? '',
    entries: entries.map(lineOf).join('\n'),
    terms: new Map(Array.from(having, ([term, positions]) => [term, positionsText(positions)])),
  };
}

/** A set of positions as hexadecimal digits, the lowest position in the lowest bit. */
function positionsText(positions: readonly number[]): string {
  const digits = new Array<number>(((positions.at(-1) ?? 0) >>> 2) + 1).fill(0);
  const last = digits.length - 1;
  for (const position of positions) {
    const digit = last - (position >>> 2);
    digits[digit] = (digits[digit] ?? 0) | (1 << (position & 3));
  }
  return digits.map((digit) => digit.toString(16)).join('');
}

/** The set of positions that such text tells, as bits. */
export function positionsOf(text: string): bigint {
  return BigInt(`0x${text}`);
}

/** How many positions are in a set. */
export function countOf(positions: bigint): number {
  return positions.toString(2).replaceAll('0', '').length;
}

/**
 * The entries of a segment at some positions, newest first.
 *
 * @param entries - JSON Lines, oldest first.
 */
export function entriesAt(entries: string, positions: bigint): readonly AuditEntry[] {
  return entries
    .split('\n')
    .filter((_, position) => ((positions >> BigInt(position)) & 1n) === 1n)
    .map((line) => JSON.parse(line) as AuditEntry)
    .reverse();
}

/** All entries of a segment, oldest first. */
export function readEntries(entries: string): readonly AuditEntry[] {
  return entries.split('\n').map((line) => JSON.parse(line) as AuditEntry);
}

/** An entry as a line of JSON. NUL is shown as what cannot be shown: neither terminals nor spreadsheets take it. */
function lineOf(entry: AuditEntry): string {
  const line = JSON.stringify(entry);
  return line.includes('\\u0000') ? JSON.stringify(entry, withoutNul) : line;
}

function withoutNul(_: string, value: unknown): unknown {
  return typeof value === 'string' ? value.replaceAll('\0', '\ufffd') : value;
}
