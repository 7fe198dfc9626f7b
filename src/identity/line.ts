import { unavailable } from '../errors.ts';

/** How soon work gets its turn: the lowest first, compared number by number, then in the order of arrival. */
export type Rank = readonly number[];

/** Work that waits for one of a few places. */
export interface Line {
  /** @throws ApiError 503 for work that so much is waiting before that its turn would come too late. */
  run<Result>(rank: Rank, work: () => Promise<Result>): Promise<Result>;
}

interface Waiting {
  readonly rank: Rank;
  start(): void;
  refuse(): void;
}

/**
 * Forms a line.
 *
 * @param places - how much is worked on at once.
 * @param maxWaiting - how much may wait. Where one more comes, the last in line is refused, whichever that is: those
 * who come in large numbers cannot keep out those who come alone.
 */
export function createLine(places: number, maxWaiting: number): Line {
  const waiting: Waiting[] = [];
  let running = 0;

  function enter(one: Waiting): void {
    waiting.splice(placeOf(one), 0, one);
    if (running < places) {
      waiting.shift()?.start();
    } else if (waiting.length > maxWaiting) {
      waiting.pop()?.refuse();
    }
  }

  /** Behind those of its rank. */
  function placeOf({ rank }: Waiting): number {
    let [from, to] = [0, waiting.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      const other = waiting[middle];
      [from, to] = other !== undefined && isBefore(rank, other.rank) ? [from, middle] : [middle + 1, to];
    }
    return from;
  }

  return {
    run: (rank, work) =>
      new Promise((resolve, reject) => {
        enter({
          rank,
          start() {
            running += 1;
            work()
              .then(resolve, reject)
              .finally(() => {
                running -= 1;
                waiting.shift()?.start();
              });
          },
          refuse: () => reject(unavailable('Too many sign-ins are waiting. Try again in a moment.')),
        });
      }),
  };
}

/** Numbers that are left out are zero. */
function isBefore(a: Rank, b: Rank): boolean {
  const longer = a.length > b.length ? a : b;
  const differs = longer.findIndex((_, index) => (a[index] ?? 0) !== (b[index] ?? 0));
  return differs !== -1 && (a[differs] ?? 0) < (b[differs] ?? 0);
}
