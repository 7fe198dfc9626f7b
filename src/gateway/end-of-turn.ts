/** What waits for the end of a turn, in the order in which it is done then. */
const KINDS = [
  /** Answers that have come whole, to be sent to their clients. */
  'answers',
  /** Requests that have come, to be judged. */
  'arrivals',
  /** Requests that have ended, to be recorded. */
  'ended',
] as const;

type Kind = (typeof KINDS)[number];
type Work = () => void;

/** Work that waits until the event loop has handed over everything that it has in this turn. */
export interface EndOfTurn {
  /** Does something then, after what waits already for the same. */
  at(kind: Kind, work: Work): void;
}

/**
 * Has the same done for all requests of a turn of the event loop, one right after the other. A request goes through some
 * hundred kilobytes of code, each part of which drives another out of the caches of the processor: the second that is
 * judged finds there what the first has brought. With 16 connections that saves a third of the CPU of a request.
 */
export function createEndOfTurn(): EndOfTurn {
  let due = nothing();
  let isScheduled = false;

  function run(): void {
    const those = due;
    due = nothing();
    isScheduled = false;
    for (const kind of KINDS) {
      those[kind].forEach(attempt);
    }
  }

  return {
    at(kind, work) {
      due[kind].push(work);
      if (!isScheduled) {
        isScheduled = true;
        setImmediate(run);
      }
    },
  };
}

const nothing = (): Record<Kind, Work[]> => ({ answers: [], arrivals: [], ended: [] });

/** What fails fails for itself, as it would in a turn of its own. */
function attempt(work: Work): void {
  try {
    work();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
