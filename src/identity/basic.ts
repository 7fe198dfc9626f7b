import { hash as digest } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Account, Accounts } from './accounts.ts';
import type { Passwords } from './password.ts';
import type { Authenticator, Presented, Refused, Verdict } from './principal.ts';

export interface BasicOptions {
  readonly accounts: Accounts;
  readonly passwords: Passwords;
  /** Replaces a hash of an outdated kind once its password is known; answers the hash in force afterwards. */
  readonly rehash: (username: string, from: string, password: string) => Promise<string>;
  /** 32 random bytes of this process: remembered credentials are kept only as hashes keyed with them. */
  readonly processKey: Uint8Array;
}

interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** Longer names that nobody has are not remembered: whoever makes them up would fill the memory. */
const LONGEST_REMEMBERED = 255;

const NOBODY = Symbol('no such user');

/** A credential that was checked once: the answer holds for as long as the user's hash is this one. */
interface Remembered {
  readonly username: string;
  readonly passwordHash: string | typeof NOBODY;
  readonly correct: boolean;
}

/**
 * HTTP basic (RFC 7617) against the gateway's own users.
 *
 * A hash is paid once per credential: the verdict is remembered beside the hash it was made with, so a
 * changed password, a deleted or re-created user is noticed on the next request, whoever changed it.
 * Wrong credentials are remembered too, so that a client that repeats one costs nothing; users that do
 * not exist take as long as those that do.
 */
export function createBasic(options: BasicOptions): Authenticator {
  const { accounts, passwords, rehash, processKey } = options;
  const remembered = new LRUCache<string, Remembered>({ max: 50_000 });
  const checking = new Map<string, Promise<Verdict>>();
  // A secret prefix of fixed length: what HMAC adds to it protects digests that others see, and here nobody does.
  const prefix = Buffer.from(processKey).toString('base64');

  return { challenge: 'Basic realm="mlflow"', authenticate };

  function authenticate({ headers }: Presented): Verdict | Promise<Verdict> {
    const value = headers.authorization;
    if (value === undefined || !/^basic /i.test(value)) {
      return 'not-mine';
    }
    const key = digest('sha256', prefix + value, 'base64');
    const known = remembered.get(key);
    if (known === undefined) return check(key, value);
    const account = accounts.byName(known.username);
    return account instanceof Promise
      ? account.then((loaded) => recall(known, loaded, key, value))
      : recall(known, account, key, value);
  }

  function recall(
    known: Remembered,
    account: Account | undefined,
    key: string,
    value: string,
  ): Verdict | Promise<Verdict> {
    const hash = account?.user.passwordHash ?? NOBODY;
    if (hash !== known.passwordHash) {
      remembered.delete(key);
      return check(key, value);
    }
    return known.correct && account !== undefined ? account.principal : wrong(known.username);
  }

  /** Checks a credential with a hash, once however many requests carry it at the same time. */
  function check(key: string, value: string): Promise<Verdict> {
    const running = checking.get(key);
    if (running !== undefined) return running;
    const credentials = readCredentials(value);
    if (credentials === undefined) {
      return Promise.resolve({ refused: 'the credentials are not readable as HTTP basic' });
    }
    const verdict = verify(key, credentials).finally(() => checking.delete(key));
    checking.set(key, verdict);
    return verdict;
  }

  async function verify(key: string, { username, password }: Credentials): Promise<Verdict> {
    const before = await accounts.byName(username);
    const correct =
      before === undefined
        ? await passwords.verifyMissing(password).then(() => false)
        : await passwords.verify(password, before.user.passwordHash);
    let passwordHash = before?.user.passwordHash ?? NOBODY;
    if (correct && typeof passwordHash === 'string' && passwords.needsRehash(passwordHash, password)) {
      passwordHash = await rehash(username, passwordHash, password);
    }
    if (before !== undefined || username.length <= LONGEST_REMEMBERED) {
      remembered.set(key, { username, passwordHash, correct });
    }
    // The hash took a while: a password changed or a user deleted meanwhile is a refusal.
    const now = correct ? await accounts.byName(username) : undefined;
    return now !== undefined && now.user.passwordHash === passwordHash ? now.principal : wrong(username);
  }
}

const wrong = (triedAs: string): Refused => ({ refused: 'wrong name or password', triedAs });

/** Reads `Basic base64(user:password)`; undefined if it is not that, or not UTF-8 (RFC 7617, 2.1). */
export function readCredentials(value: string): Credentials | undefined {
  const encoded = value.slice('basic '.length).trim();
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(encoded)) return undefined;
  const bytes = Buffer.from(encoded, 'base64');
  const colon = bytes.indexOf(':');
  if (colon < 1 || bytes.includes(0)) return undefined;
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  try {
    // Each decoded by itself: V8 keeps the whole of a text, the password too, for as long as a part of it is kept.
    return {
      username: utf8.decode(bytes.subarray(0, colon)),
      password: utf8.decode(bytes.subarray(colon + 1)),
    };
  } catch {
    return undefined;
  }
}
