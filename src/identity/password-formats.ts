import { pbkdf2Sync, scryptSync, timingSafeEqual } from 'node:crypto';
import { compareSync } from 'bcryptjs';
import { bcryptProblem } from '../config/password-rules.ts';

/** A way in which a password may be stored. */
interface PasswordFormat {
  /** What a stored hash of this format begins with. */
  readonly prefix: string;
  /** Whether the password is the hash's; false for a hash that is not well formed. Takes its time. */
  readonly matches: (password: string, hash: string) => boolean;
}

/** bcrypt is ours; the other two are Werkzeug's, as MLflow's own auth app stores them. */
const FORMATS: readonly PasswordFormat[] = [
  { prefix: '$2', matches: matchesBcrypt },
  { prefix: 'scrypt', matches: matchesScrypt },
  { prefix: 'pbkdf2', matches: matchesPbkdf2 },
];

/** Compares a password with a hash of any format known here. Synchronous and slow: for worker threads. */
export function matchesHash(password: string, hash: string): boolean {
  const format = FORMATS.find(({ prefix }) => hash.startsWith(prefix));
  // A lone surrogate would be compared as U+FFFD, that is, as another password.
  return (format?.matches(password, hash) ?? false) && password.isWellFormed();
}

const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;

/** The cost of a bcrypt hash, undefined for anything else. */
export function bcryptRounds(hash: string): number | undefined {
  const rounds = BCRYPT.exec(hash)?.[1];
  return rounds === undefined ? undefined : Number(rounds);
}

function matchesBcrypt(password: string, hash: string): boolean {
  const rounds = bcryptRounds(hash);
  if (rounds === undefined || rounds < 4 || rounds > 20) {
    return false;
  }
  // Compared first and judged after, so that a password that cannot be takes as long as one that is not.
  return compareSync(password, hash) && bcryptProblem(password) === undefined;
}

/** More than this and an imported hash could exhaust the machine. Werkzeug's own costs 34 MB. */
const SCRYPT_MAX_BYTES = 512 * 1024 * 1024;
const SCRYPT = /^scrypt(?::(\d{1,9}):(\d{1,4}):(\d{1,4}))?\$([^$]+)\$([0-9a-f]{128})$/;

/** @see werkzeug/security.py (`_hash_internal`), also for the defaults and `maxmem`. */
function matchesScrypt(password: string, hash: string): boolean {
  const parts = SCRYPT.exec(hash);
  if (parts === null) {
    return false;
  }
  const [, cost = '32768', blockSize = '8', parallel = '1', salt = '', expected = ''] = parts;
  const N = Number(cost);
  const r = Number(blockSize);
  const p = Number(parallel);
  const maxmem = 132 * N * r * p;
  const isPowerOfTwo = N > 1 && Number.isInteger(Math.log2(N));
  if (!isPowerOfTwo || r < 1 || p < 1 || maxmem > SCRYPT_MAX_BYTES) {
    return false;
  }
  const stored = Buffer.from(expected, 'hex');
  return timingSafeEqual(scryptSync(password, salt, stored.length, { N, r, p, maxmem }), stored);
}

const PBKDF2_MAX_ITERATIONS = 10_000_000;
const PBKDF2 = /^pbkdf2(?::(sha1|sha224|sha256|sha384|sha512)(?::(\d{1,8}))?)?\$([^$]+)\$([0-9a-f]+)$/;
const DIGEST_BYTES: Readonly<Record<string, number>> = {
  sha1: 20,
  sha224: 28,
  sha256: 32,
  sha384: 48,
  sha512: 64,
};

/** @see werkzeug/security.py (`_hash_internal`), also for the defaults. */
function matchesPbkdf2(password: string, hash: string): boolean {
  const parts = PBKDF2.exec(hash);
  if (parts === null) {
    return false;
  }
  const [, digest = 'sha256', count = '1000000', salt = '', expected = ''] = parts;
  const iterations = Number(count);
  const stored = Buffer.from(expected, 'hex');
  if (iterations < 1 || iterations > PBKDF2_MAX_ITERATIONS || stored.length !== DIGEST_BYTES[digest]) {
    return false;
  }
  return timingSafeEqual(pbkdf2Sync(password, salt, iterations, stored.length, digest), stored);
}
