import { randomBytes as cryptoRandomBytes } from 'node:crypto';
import { extname } from 'node:path';
import { encodeBase64 } from 'bcryptjs';
import { Piscina } from 'piscina';
import { KNOWN_PASSWORDS } from '../config/known-passwords.ts';
import {
  BCRYPT_MAX_BYTES,
  bcryptProblem,
  type PasswordProblem,
  passwordProblem,
} from '../config/password-rules.ts';
import { invalid, unavailable } from '../errors.ts';
import { createLine, type Rank } from './line.ts';
import { bcryptRounds } from './password-formats.ts';
import type { PasswordTask } from './password-worker.ts';

export interface PasswordOptions {
  /** bcrypt's cost, as a power of two. */
  readonly rounds: number;
  /** The fewest characters (Unicode code points) of a new password. */
  readonly minLength: number;
  /**
   * How many checks may wait for a thread before further ones are refused: 1,000, as many as sign in anew when a gateway
   * was started again in front of many. A check that lasts longer than its client waits is not in vain: who comes again
   * is known.
   */
  readonly maxQueue?: number;
  readonly maxThreads?: number;
  readonly randomBytes?: (size: number) => Uint8Array;
}

/**
 * Passwords: what they must be, how they are hashed and checked. Hashing runs on worker threads, started with the
 * first password; requests that need none are not held up however many wrong ones come in.
 */
export interface Passwords {
  /** @throws ApiError INVALID_PARAMETER_VALUE saying which rule a new password breaks. */
  checkRules(password: unknown): void;
  /**
   * Hashes with bcrypt. Does not ask for the minimal length, so that a short old password can be re-hashed.
   *
   * @throws ApiError INVALID_PARAMETER_VALUE if bcrypt would not read all of it; 503 if too many wait.
   */
  hash(password: string): Promise<string>;
  /**
   * Whether the password is the one of this hash: bcrypt, or Werkzeug's scrypt or pbkdf2.
   *
   * @param rank - how soon it is to get its turn; before all others if left out.
   * @throws ApiError 503 if too many wait.
   */
  verify(password: string, hash: string, rank?: Rank): Promise<boolean>;
  /**
   * Whether this is the hash of a password that everyone knows, as an imported one may be.
   *
   * @throws ApiError 503 if too many wait.
   */
  isKnown(hash: string): Promise<boolean>;
  /** Takes as long as `verify` and always answers false: a user that does not exist must not be told by time. */
  verifyMissing(password: string, rank?: Rank): Promise<false>;
  /**
   * Whether a hash, its password having been proved, should be replaced by `hash(password)`: another format, or
   * fewer rounds. False for a password that bcrypt would not read to its end, as an imported one may be.
   */
  needsRehash(hash: string, password?: string): boolean;
  /** Ends the threads; what was still waiting is refused. */
  close(): Promise<void>;
}

/** No password is known for it; what counts is that comparing takes as long as with a user's. */
const DUMMY_SALT_AND_HASH = '7EqJtq98hPqEX7fNZaFWoOe1n2m3Q8Vx0aSp4cKbJdYhRuTgL6wiy';

/** The code as TypeScript when run from the sources, as JavaScript when built. */
const WORKER = new URL(`./password-worker${extname(import.meta.url)}`, import.meta.url).href;

type Threads = Piscina<PasswordTask, string | boolean>;

/**
 * @param fails - called when a thread has failed that had nothing to do, as one that starts does for want of file
 * descriptors. Unheard, that would end the gateway.
 */
function startThreads(maxThreads: number, fails: (threads: Threads) => void): Threads {
  const threads: Threads = new Piscina({
    filename: WORKER,
    minThreads: 0,
    maxThreads,
    idleTimeout: 30_000,
  });
  threads.on('error', () => {
    fails(threads);
    void threads.close();
  });
  return threads;
}

export function createPasswords(options: PasswordOptions): Passwords {
  const { rounds, minLength, maxQueue = 1000, maxThreads = 2, randomBytes = cryptoRandomBytes } = options;
  const cost = `$2b$${String(rounds).padStart(2, '0')}$`;
  const line = createLine(maxThreads, maxQueue);
  let threads: Threads | undefined;
  let closed = false;

  // Not made within a task: the threads would keep the task, and with it a password, for as long as they are there.
  const forget = (lost: Threads): void => {
    threads = threads === lost ? undefined : threads;
  };

  function refuseClosed(): void {
    if (closed) {
      throw new Error('The threads have ended.');
    }
  }

  const run = (task: PasswordTask, rank: Rank = []): Promise<string | boolean> =>
    line.run(rank, async () => {
      try {
        refuseClosed();
        threads ??= startThreads(maxThreads, forget);
        const result = await threads.run(task);
        refuseClosed();
        return result;
      } catch (error) {
        throw unavailable('Passwords cannot be checked right now.', error);
      }
    });

  const verify = async (password: string, hash: string, rank?: Rank): Promise<boolean> =>
    (await run({ verb: 'verify', password, hash }, rank)) === true;

  return {
    checkRules(password) {
      if (typeof password !== 'string') {
        throw invalid('Password must be a string.');
      }
      refuse(passwordProblem(password, minLength), minLength);
    },
    async hash(password) {
      refuse(bcryptProblem(password), minLength);
      const salt = cost + encodeBase64([...randomBytes(16)], 16);
      const hash = await run({ verb: 'hash', password, salt });
      if (typeof hash !== 'string') {
        throw new TypeError('The worker answered no hash.');
      }
      return hash;
    },
    verify,
    async isKnown(hash) {
      for (const password of KNOWN_PASSWORDS) {
        if (await verify(password, hash)) {
          return true;
        }
      }
      return false;
    },
    async verifyMissing(password, rank) {
      await verify(password, cost + DUMMY_SALT_AND_HASH, rank);
      return false;
    },
    needsRehash(hash, password) {
      if (password !== undefined && bcryptProblem(password) !== undefined) {
        return false;
      }
      return (bcryptRounds(hash) ?? 0) < rounds;
    },
    async close() {
      closed = true;
      // Not destroyed: an answer that comes from a thread meanwhile would be thrown as an error that nothing catches.
      await threads?.close();
    },
  };
}

const RULES: Readonly<Record<PasswordProblem, (minLength: number) => string>> = {
  short: (minLength) => `must be at least ${Math.max(minLength, 1)} characters`,
  known: () => 'must not be a default password that everyone knows',
  common: () => 'must not be one of the commonest passwords',
  long: () => `must be at most ${BCRYPT_MAX_BYTES} bytes in UTF-8`,
  unreadable: () => 'must be valid Unicode without NUL characters',
};

/** @throws ApiError INVALID_PARAMETER_VALUE if there is a problem. */
function refuse(problem: PasswordProblem | undefined, minLength: number): void {
  if (problem !== undefined) {
    throw invalid(`Password ${RULES[problem](minLength)}.`);
  }
}
