import type { FastifyBaseLogger } from 'fastify';

/** Notes when tokens, or sessions, are used, beside the way of requests. */
export interface Uses {
  /** Takes note of a use; it is in the store within {@link SOON_MS}, unless an earlier one is that is hardly older. */
  note(id: string): void;
  /** Writes what was noted, and takes no more notes. */
  close(): Promise<void>;
}

export interface UsesOptions {
  /** Writes when each was last used, unless that is known to within `everyMs`. */
  readonly write: (uses: ReadonlyMap<string, number>, everyMs: number) => Promise<void>;
  /** What is used, for the log. */
  readonly what: 'tokens' | 'sessions';
  readonly log: Pick<FastifyBaseLogger, 'warn'>;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/** How soon a use is written, together with others. */
const SOON_MS = 500;
/** How much newer a use must be than the one that is written, to be written itself. */
const EVERY_MS = 60_000;

export function createUses({ write: writeUses, what, log, clock }: UsesOptions): Uses {
  const written = new Map<string, number>();
  let noted = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  async function write(): Promise<void> {
    timer = undefined;
    const uses = noted;
    noted = new Map();
    forgetOld();
    for (const [id, at] of uses) {
      written.set(id, at);
    }
    try {
      await writeUses(uses, EVERY_MS);
    } catch (error) {
      log.warn({ err: error }, `when ${what} were last used cannot be written right now`);
    }
  }

  /** What is older than a minute holds nothing back. */
  function forgetOld(): void {
    const oldest = clock() - EVERY_MS;
    for (const [id, at] of written) {
      if (at <= oldest) {
        written.delete(id);
      }
    }
  }

  return {
    note(id) {
      const now = clock();
      if (closed || noted.has(id) || (written.get(id) ?? Number.NEGATIVE_INFINITY) > now - EVERY_MS) {
        return;
      }
      noted.set(id, now);
      timer ??= setTimeout(() => void write(), SOON_MS).unref();
    },
    async close() {
      closed = true;
      clearTimeout(timer);
      if (noted.size > 0) {
        await write();
      }
    },
  };
}
