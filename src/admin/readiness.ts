import { ApiError } from '../errors.ts';
import type { Upstream } from '../mlflow/upstream/upstream.ts';
import type { Store } from '../store/index.ts';

/** What every request needs, in the order in which a missing one is told. */
export const PARTS = ['store', 'upstream'] as const;
export type Part = (typeof PARTS)[number];

/** What one part last said. */
export interface Condition {
  readonly ready: boolean;
  /** Milliseconds since the epoch. */
  readonly checkedAt: number;
  /** How long it took to answer, or to be given up. */
  readonly latencyMs: number;
  /** What is wrong, for logs and admins. */
  readonly because?: string;
}

export type Conditions = Readonly<Record<Part, Condition>>;

/** Whether requests can be served. */
export interface Readiness {
  /** Asks store and upstream at once; an answer is shared by all that ask within a second. Never rejects. */
  ask(): Promise<Conditions>;
}

export interface ReadinessOptions {
  readonly store: Pick<Store, 'ping'>;
  readonly upstream: Pick<Upstream, 'ping'>;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** Called when a part comes or goes, as far as anybody asked. */
  readonly changed?: (part: Part, condition: Condition) => void;
}

/**
 * How long an answer is good for. Together with {@link PATIENCE_MS} it stays below the five seconds in which a change is
 * told. Anybody may ask, as often as they like.
 */
const FRESH_MS = 1_000;
/** How long a part may take to answer. */
const PATIENCE_MS = 3_000;

/** Creates readiness; store and upstream are asked only when a caller asks. */
export function createReadiness({ store, upstream, clock, changed }: ReadinessOptions): Readiness {
  const pings: Readonly<Record<Part, (signal: AbortSignal) => Promise<void>>> = {
    store: () => store.ping(),
    upstream: (signal) => upstream.ping(signal),
  };
  const before = new Map<Part, boolean>();
  let asked: { readonly at: number; readonly conditions: Promise<Conditions> } | undefined;

  async function ask(part: Part): Promise<Condition> {
    const startedAt = performance.now();
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const because = await Promise.race([pings[part](signal), ended(signal)]).then(() => undefined, reasonOf);
    const condition: Condition = {
      ready: because === undefined,
      checkedAt: clock(),
      latencyMs: performance.now() - startedAt,
      ...(because !== undefined && { because }),
    };
    if ((before.get(part) ?? true) !== condition.ready) {
      changed?.(part, condition);
    }
    before.set(part, condition.ready);
    return condition;
  }

  async function askAll(): Promise<Conditions> {
    const [stored, answered] = await Promise.all([ask('store'), ask('upstream')]);
    return { store: stored, upstream: answered };
  }

  return {
    ask() {
      const now = performance.now();
      if (asked === undefined || now - asked.at > FRESH_MS) {
        asked = { at: now, conditions: askAll() };
      }
      return asked.conditions;
    },
  };
}

/** Rejects when the signal does: not everything that is asked can be told to stop. */
function ended(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

function reasonOf(error: unknown): string {
  const cause = error instanceof ApiError ? error.cause : undefined;
  const { message } =
    cause instanceof Error ? cause : error instanceof Error ? error : { message: String(error) };
  return message || 'no answer';
}
