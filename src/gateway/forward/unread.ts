import type { ServerResponse } from 'node:http';

/** Most bytes of all such answers together. */
const MOST_BYTES = 64 * 1024 * 1024;

/** Answers of which something waits in memory for their clients. */
export interface Unread {
  /** Notes how much of an answer waits by now. */
  note(answer: ServerResponse): void;
}

/**
 * Keeps count of answers that are taken from the upstream whole, whether or not their clients read them, so that these
 * keep no connection there. When they are too many, those who have not read for longest are let go.
 */
export function createUnread(): Unread {
  /** What waits of each, the longest waiting first. */
  const waiting = new Map<ServerResponse, number>();
  let total = 0;

  function set(answer: ServerResponse, bytes: number): void {
    total += bytes - (waiting.get(answer) ?? 0);
    if (bytes === 0) {
      waiting.delete(answer);
    } else {
      waiting.set(answer, bytes);
    }
  }

  return {
    note(answer) {
      if (!waiting.has(answer)) {
        answer.once('drain', () => set(answer, 0));
        answer.once('close', () => set(answer, 0));
      }
      set(answer, answer.writableLength);
      for (const longest of waiting.keys()) {
        if (total <= MOST_BYTES) {
          break;
        }
        set(longest, 0);
        longest.destroy();
      }
    },
  };
}
