import { unavailable } from '../../../errors.ts';
import { BUSY_TIMEOUT_MILLISECONDS } from './connect.ts';

/** Where those who share one connection wait for their turn. */
export interface Lane {
  /**
   * Resolves, when it is the caller's turn, with the moment until which it may wait for other processes.
   *
   * @throws ApiError 503 if that takes too long.
   */
  enter(): Promise<number>;
  /** Ends the turn. */
  leave(): void;
}

/**
 * Each waits for its own five seconds, in the lane and for the lock together. Otherwise, while another process keeps
 * the lock, each would wait until all before it have given up.
 */
export function createLane(): Lane {
  const waiting: (() => void)[] = [];
  let isTaken = false;
  return {
    enter() {
      const until = performance.now() + BUSY_TIMEOUT_MILLISECONDS;
      if (!isTaken) {
        isTaken = true;
        return Promise.resolve(until);
      }
      return new Promise((resolve, reject) => {
        const begin = () => {
          clearTimeout(timer);
          resolve(until);
        };
        const timer = globalThis.setTimeout(() => {
          waiting.splice(waiting.indexOf(begin), 1);
          reject(tooLong());
        }, BUSY_TIMEOUT_MILLISECONDS);
        waiting.push(begin);
      });
    },
    leave() {
      const next = waiting.shift();
      isTaken = next !== undefined;
      next?.();
    },
  };
}

export const tooLong = () => unavailable('Others have kept the store to themselves for too long.');
