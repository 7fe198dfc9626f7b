/** Text that grows, kept as bytes out of V8's reach: what waits as strings is copied, and has all of memory looked through. */
export interface Text {
  /** Bytes. */
  readonly length: number;
  /** Adds text at the end. */
  add(text: string): void;
  /** What stands from one byte to before another, both where something was added. */
  between(start: number, end: number): string;
  /** Forgets all of it. */
  clear(): void;
}

const FIRST_BYTES = 64 * 1024;
/** What is larger is given back when it is cleared. */
const KEPT_BYTES = 4 * 1024 * 1024;
/** Most bytes of UTF-8 for one UTF-16 code unit. */
const MOST_BYTES = 3;

/** Starts a text that has nothing yet. */
export function createText(): Text {
  let bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  let length = 0;

  function makeRoom(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * bytes.length, needed));
    bytes.copy(larger, 0, 0, length);
    bytes = larger;
  }

  return {
    get length() {
      return length;
    },
    add(text) {
      const needed = length + MOST_BYTES * text.length;
      if (needed > bytes.length) {
        makeRoom(needed);
      }
      length += bytes.write(text, length);
    },
    between: (start, end) => bytes.toString('utf8', start, end),
    clear() {
      length = 0;
      if (bytes.length > KEPT_BYTES) {
        bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
      }
    },
  };
}
