import { ApiError } from '../errors.ts';
import type { Counted, Counting, Throttles } from '../store/throttles.ts';
import { clientNetwork } from './client-network.ts';
import type { Rank } from './line.ts';
import { createTurns } from './turns.ts';

/** What is tried, and from where. */
export interface Attempt {
  /** Whose password; undefined for the secret of a link, which says itself whose it is. */
  readonly username: string | undefined;
  readonly ip: string;
}

export interface ThrottleLimits {
  /** So many failures of one name from one address lock it; three times as many of a name, or of an address, alone. */
  readonly failures: number;
  readonly windowSeconds: number;
  readonly lockoutSeconds: number;
}

/** Bounds how often passwords, and links to choose one, can be guessed. */
export interface Throttle {
  /**
   * Has it checked, unless too many have been wrong, and counts one that is wrong. Where as much is being checked from
   * an address as may yet fail there, what else comes from there waits: a thousand users behind one address may all sign
   * in after a restart.
   *
   * @param check - tells whether it is right; is given how soon it is to get its turn.
   * @throws ApiError 429 before anything is checked, however right the password may be.
   */
  attempt(attempt: Attempt, check: (rank: Rank) => Promise<boolean>): Promise<boolean>;
}

/** How often a name or an address may fail for itself, in terms of the two together. */
const SINGLE = 3;

/** What is longer is nobody's name: it is not worth a row of that size. */
const LONGEST_COUNTED = 255;

/** How many may wait for others from their address. */
const MOST_WAITING = 1_000;

/** How long to wait while others of the same name or address are being checked. */
const BUSY_RETRY_SECONDS = 1;

/** Limits of a name from an address, and of either alone, and how long a failure counts at most. */
export function limitsOf({ failures, windowSeconds, lockoutSeconds }: ThrottleLimits) {
  const longestMs = Math.max(windowSeconds, lockoutSeconds) * 1000;
  return { pair: failures, single: failures * SINGLE, longestMs };
}

/**
 * Counts failures in the store, for all gateways on it, and what is being checked in this process, so that no more can
 * be tried at once than one after the other.
 *
 * @param clock - milliseconds since the epoch.
 */
export function createThrottle(
  throttles: Pick<Throttles, 'of' | 'add' | 'forget'>,
  limits: ThrottleLimits,
  clock: () => number,
): Throttle {
  const underWay = createUnderWay();
  const turns = createTurns(MOST_WAITING);
  const { longestMs } = limitsOf(limits);
  const countedFor = countingBy(limits);

  /**
   * @returns how many failures there have been and may yet be, of each that is counted; undefined where others from the
   * address are to be waited for.
   * @throws ApiError 429 if that is too many of one.
   */
  async function admit(counted: readonly (Counted & Counting)[]): Promise<Rank | undefined> {
    // Before the store is asked: what fails meanwhile is counted twice for a moment, and never not at all.
    const others = counted.map((each) => underWay.of(keyOf(each)) - 1);
    const failed = new Map((await throttles.of(counted, longestMs)).map((each) => [keyOf(each), each]));
    const locks = counted.flatMap((each) => {
      const found = failed.get(keyOf(each));
      return found !== undefined && found.failures >= each.limit ? [found.until] : [];
    });
    if (locks.length > 0) {
      throw tooMany(Math.max(1, Math.ceil((Math.max(...locks) - clock()) / 1000)), 'locked out');
    }
    const counts = counted.map(
      (each, index) => (failed.get(keyOf(each))?.failures ?? 0) + (others[index] ?? 0),
    );
    const full = counted.filter((each, index) => (counts[index] ?? 0) >= each.limit);
    if (full.some(({ username }) => username !== undefined)) {
      throw busy();
    }
    return full.length > 0 ? undefined : counts;
  }

  /** Counts an attempt as under way, as soon as it may be. */
  async function enter(counted: readonly (Counted & Counting)[], address: string): Promise<Rank> {
    for (;;) {
      underWay.add(counted);
      const rank = await admit(counted).catch((error: unknown) => {
        leave(counted, address);
        throw error;
      });
      if (rank !== undefined) {
        return rank;
      }
      underWay.take(counted);
      // They may have ended while the store was asked: nobody would say so any more.
      if (underWay.of(address) > 0) {
        await (turns.wait(address) ?? Promise.reject(busy()));
      }
    }
  }

  function leave(counted: readonly Counted[], address: string): void {
    underWay.take(counted);
    turns.next(address);
  }

  return {
    async attempt(attempt, check) {
      const { counted, address } = countedFor(attempt);
      const [pair] = counted;
      const rank = await enter(counted, keyOf(address));
      try {
        const isRight = await check(rank);
        if (!isRight) {
          await throttles.add(counted);
        } else if (pair?.username !== undefined && rank[0] !== 0) {
          await throttles.forget(pair);
        }
        return isRight;
      } finally {
        leave(counted, keyOf(address));
      }
    },
  };
}

/** Tells what an attempt counts for: the address, the name from the address, the name; without a name the address alone. */
function countingBy(limits: ThrottleLimits) {
  const { pair, single } = limitsOf(limits);
  const counting = (limit: number): Counting => ({
    limit,
    windowMs: limits.windowSeconds * 1000,
    lockoutMs: limits.lockoutSeconds * 1000,
  });
  return ({ username, ip }: Attempt) => {
    const network = clientNetwork(ip) ?? ip;
    const address = { username: undefined, ip: network, ...counting(single) };
    if (username === undefined) {
      return { address, counted: [address] };
    }
    const name = username.slice(0, LONGEST_COUNTED);
    const pairOf = { username: name, ip: network, ...counting(pair) };
    return { address, counted: [pairOf, address, { username: name, ip: undefined, ...counting(single) }] };
  };
}

/** How many attempts are being checked, of each that is counted. */
function createUnderWay() {
  const counts = new Map<string, number>();
  const change = (counted: readonly Counted[], by: 1 | -1) => {
    for (const key of counted.map(keyOf)) {
      const count = (counts.get(key) ?? 0) + by;
      if (count === 0) {
        counts.delete(key);
      } else {
        counts.set(key, count);
      }
    }
  };
  return {
    of: (key: string) => counts.get(key) ?? 0,
    add: (counted: readonly Counted[]) => change(counted, 1),
    take: (counted: readonly Counted[]) => change(counted, -1),
  };
}

const busy = () => tooMany(BUSY_RETRY_SECONDS, 'as many as may fail are being checked');

const keyOf = ({ username, ip }: Counted): string => JSON.stringify([username ?? null, ip ?? null]);

/** The answer to a sign-in that is locked out: one for users and for names that nobody has. */
function tooMany(seconds: number, why: string): ApiError {
  return new ApiError(
    'RESOURCE_EXHAUSTED',
    `Too many sign-ins have failed. Try again in ${inWords(seconds)}, or ask an admin to lift the lockout.`,
    { headers: { 'retry-after': String(seconds) }, because: `too many failed sign-ins: ${why}` },
  );
}

function inWords(seconds: number): string {
  const [count, unit] = seconds < 120 ? [seconds, 'second'] : [Math.ceil(seconds / 60), 'minute'];
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
