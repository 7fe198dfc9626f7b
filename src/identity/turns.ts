/** Those who wait until another of the same kind has ended, in the order in which they came. */
export interface Turns {
  /** Waits for one's turn; undefined where too many wait already. */
  wait(key: string): Promise<void> | undefined;
  /** Lets the next of these go on, if there is one. */
  next(key: string): void;
}

/** @param most - how many may wait, whatever for. */
export function createTurns(most: number): Turns {
  const waiting = new Map<string, (() => void)[]>();
  let count = 0;
  return {
    wait(key) {
      if (count === most) {
        return undefined;
      }
      count += 1;
      return new Promise((goOn) => {
        const line = waiting.get(key);
        if (line === undefined) {
          waiting.set(key, [goOn]);
        } else {
          line.push(goOn);
        }
      });
    },
    next(key) {
      const line = waiting.get(key);
      const goOn = line?.shift();
      if (line?.length === 0) {
        waiting.delete(key);
      }
      if (goOn !== undefined) {
        count -= 1;
        goOn();
      }
    },
  };
}
