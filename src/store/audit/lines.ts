import type { AuditEntry } from './entry.ts';
import { cut, LONGEST_TEXT, showable } from './shown.ts';

/** What an entry has of its own where all else is as in another: that of a training loop comes again and again. */
type Own = Pick<AuditEntry, 'id' | 'at' | 'requestId' | 'durationMs'>;

/** What is kept of an entry that is like another, which stands before it. */
interface Alike extends Own {
  /** The position of the other among the entries of the segment. */
  readonly like: number;
}

/** What is the same or not by itself. A field that is new does not compile until it stands here, or is compared below. */
const COMPARED = Object.keys({
  username: true,
  ip: true,
  method: true,
  path: true,
  operation: true,
  action: true,
  allowed: true,
  enforced: true,
  because: true,
  status: true,
} satisfies Record<
  Exclude<keyof AuditEntry, keyof Own | 'credential' | 'resources' | 'change'>,
  true
>) as readonly (keyof AuditEntry)[];

/** Whether two entries differ in nothing but their moment, request and duration. Those that tell a change are like none. */
export function areAlike(one: AuditEntry, other: AuditEntry): boolean {
  return (
    one.change === null &&
    other.change === null &&
    COMPARED.every((field) => one[field] === other[field]) &&
    one.credential?.kind === other.credential?.kind &&
    one.credential?.id === other.credential?.id &&
    one.resources.length === other.resources.length &&
    one.resources.every(
      ({ type, id }, at) => type === other.resources[at]?.type && id === other.resources[at]?.id,
    )
  );
}

/** An entry as a line of JSON. */
export const lineOf = (entry: AuditEntry): string => json(entry);

/** What JSON has as it is, such as the id of a request. */
const PLAIN_TEXT = /^[\w.-]{1,200}$/;

/** An entry as a line of JSON that says which one it is like, a fifth as long. */
export function lineLike(like: number, { id, at, requestId, durationMs }: AuditEntry): string {
  // For half of what JSON.stringify takes.
  return requestId !== null && PLAIN_TEXT.test(requestId)
    ? `{"like":${like},"id":"${id}","at":${at},"requestId":"${requestId}","durationMs":${durationMs}}`
    : json({ like, id, at, requestId, durationMs } satisfies Alike);
}

/** JSON with texts as they are kept. A short line that escapes no character has them as they are. */
function json(value: AuditEntry | Alike): string {
  const line = JSON.stringify(value);
  return line.length > LONGEST_TEXT || line.includes('\\u') ? keptJson(value) : line;
}

/** What a change made is told whole, however long. */
function keptJson(value: AuditEntry | (Alike & { readonly change?: undefined })): string {
  const { change, ...others } = value;
  const kept: object = JSON.parse(JSON.stringify(others, eachText(cut)));
  return JSON.stringify({ ...kept, change }, eachText(showable));
}

const eachText =
  (as: (text: string) => string) =>
  (_: string, value: unknown): unknown =>
    typeof value === 'string' ? as(value) : value;

/**
 * Reads the entries of a segment.
 *
 * @param entries - JSON Lines, oldest first.
 * @param isWanted - of a position, from the oldest; of all unless it is given.
 * @returns those that are wanted, oldest first.
 */
export function readLines(
  entries: string,
  isWanted: (position: number) => boolean = () => true,
): AuditEntry[] {
  const lines = entries.split('\n');
  const likened = new Map<number, AuditEntry>();
  const whole = (position: number): AuditEntry => {
    const known = likened.get(position) ?? (JSON.parse(lines[position] ?? '') as AuditEntry);
    likened.set(position, known);
    return known;
  };
  const read: AuditEntry[] = [];
  for (const [position, line] of lines.entries()) {
    if (isWanted(position)) {
      const kept = JSON.parse(line) as AuditEntry | Alike;
      if ('like' in kept) {
        const { like, ...own } = kept;
        read.push({ ...whole(like), ...own });
      } else {
        read.push(kept);
      }
    }
  }
  return read;
}
