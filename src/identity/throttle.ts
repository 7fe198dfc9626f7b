import { ApiError } from '../errors.ts';
import type { Counted, Counting, Throttles } from '../store/throttles.ts';
import { clientNetwork } from './client-network.ts';
import type { Rank } from './line.ts';

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
   * Has it checked, unless too many have been wrong, and counts one that is wrong.
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
  const underWay = new Map<string, number>();
  const { pair, single, longestMs } = limitsOf(limits);
  const counting = (limit: number): Counting => ({
    limit,
    windowMs: limits.windowSeconds * 1000,
    lockoutMs: limits.lockoutSeconds * 1000,
  });

  /** What an attempt counts for: the name from the address, the address, the name; without a name the address alone. */
  function countedFor({ username, ip }: Attempt): readonly (Counted & Counting)[] {
    const network = clientNetwork(ip) ?? ip;
    const ofAddress = { username: undefined, ip: network, ...counting(single) };
    if (username === undefined) {
      return [ofAddress];
    }
    const name = username.slice(0, LONGEST_COUNTED);
    return [
      { username: name, ip: network, ...counting(pair) },
      ofAddress,
      { username: name, ip: undefined, ...counting(single) },
    ];
  }

  function note(counted: readonly Counted[], change: 1 | -1): void {
    for (const each of counted) {
      const key = keyOf(each);
      const count = (underWay.get(key) ?? 0) + change;
      if (count === 0) {
        underWay.delete(key);
      } else {
        underWay.set(key, count);
      }
    }
  }

  /**
   * @returns how many failures there have been and may yet be, of each that is counted.
   * @throws ApiError 429 if that is too many of one.
   */
  async function admit(counted: readonly (Counted & Counting)[]): Promise<Rank> {
    // Before the store is asked: what fails meanwhile is counted twice for a moment, and never not at all.
    const others = counted.map((each) => (underWay.get(keyOf(each)) ?? 0) - 1);
    const failed = new Map((await throttles.of(counted, longestMs)).map((each) => [keyOf(each), each]));
    const locks = counted.flatMap((each) => {
      const found = failed.get(keyOf(each));
      return found !== undefined && found.failures >= each.limit ? [found.until] : [];
    });
    if (locks.length > 0) {
      throw tooMany(Math.max(1, Math.ceil((Math.max(...locks) - clock()) / 1000)), 'locked out');
    }
    const counts = counted.map((each, index) => {
      const count = (failed.get(keyOf(each))?.failures ?? 0) + (others[index] ?? 0);
      if (count >= each.limit) {
        throw tooMany(BUSY_RETRY_SECONDS, 'as many as may fail are being checked');
      }
      return count;
    });
    return counts;
  }

  return {
    async attempt(attempt, check) {
      const counted = countedFor(attempt);
      note(counted, 1);
      try {
        const rank = await admit(counted);
        const isRight = await check(rank);
        const [both] = counted;
        if (!isRight) {
          await throttles.add(counted);
        } else if (both?.username !== undefined && rank[0] !== 0) {
          await throttles.forget(both);
        }
        return isRight;
      } finally {
        note(counted, -1);
      }
    },
  };
}

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
