import { isUtf8 } from 'node:buffer';
import { hash as digest } from 'node:crypto';
import { ApiError } from '../errors.ts';
import { recentlyUsed } from '../recently-used.ts';
import { NO_PASSWORD } from '../store/types.ts';
import { type Account, type Accounts, admitted, asSignIn } from './accounts.ts';
import { LOGGED_OUT_PREFIX } from './logged-out.ts';
import type { Pace } from './pace.ts';
import type { Passwords } from './password.ts';
import type { Authenticator, Refused, Verdict } from './principal.ts';
import type { Throttle } from './throttle.ts';

export interface BasicOptions {
  readonly accounts: Accounts;
  readonly passwords: Passwords;
  readonly throttle: Throttle;
  /** Replaces a hash of an outdated kind once its password is known; answers the hash in force afterwards. */
  readonly rehash: (username: string, from: string, password: string) => Promise<string>;
  /** What a refusal without a look at the password waits for; nothing if left out. */
  readonly pace?: Pace;
  /** 32 random bytes of this process: remembered credentials are kept only as hashes keyed with them. */
  readonly processKey: Uint8Array;
}

/** A credential as it was sent, from where, and what is remembered of it under which key. */
interface PresentedBasic {
  readonly key: string;
  readonly value: string;
  readonly ip: string;
}

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** Longer names that nobody has are not remembered: a user who makes them up would fill the memory. */
const LONGEST_REMEMBERED = 255;

const NOBODY = Symbol('no such user');

/** HTTP basic, and passwords that come another way. */
export interface Basic extends Authenticator {
  /** Checks a password that was typed into a form, as if it had come by HTTP basic. */
  signIn(credentials: Credentials, ip: string): Promise<Verdict>;
}

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
 * changed password, a deleted or re-created user is noticed on the next request, no matter who changed it.
 * Wrong credentials are remembered too, so that a client that repeats one costs no hash; users that do
 * not exist take as long as those that do. How many may be wrong is bounded; a remembered right one is never held up.
 */
export function createBasic(options: BasicOptions): Basic {
  const { accounts, processKey } = options;
  const remembered = recentlyUsed<Remembered>(50_000);
  const checking = new Map<string, Promise<Verdict>>();
  // A secret prefix of fixed length: what HMAC adds to it protects digests that others see, and here nobody does.
  const prefix = Buffer.from(processKey).toString('base64');

  return {
    challenge: 'Basic realm="mlflow", charset="UTF-8"',
    authenticate: ({ headers: { authorization: value }, ip, arrives }) =>
      value === undefined || !/^basic /i.test(value) ? 'not-mine' : prove(value, ip, arrives),
    signIn: async (credentials, ip) =>
      isWritable(credentials) ? prove(writeCredentials(credentials), ip) : wrong(credentials.username),
  };

  function prove(value: string, ip: string, arrives?: boolean): Verdict | Promise<Verdict> {
    const presented = { key: digest('sha256', prefix + value, 'base64'), value, ip };
    const known = remembered.get(presented.key);
    if (known === undefined) {
      return check(presented);
    }
    const account = accounts.byName(known.username, arrives);
    return account instanceof Promise
      ? account.then((loaded) => recall(known, loaded, presented) ?? wrongAgain(options, known, ip))
      : (recall(known, account, presented) ?? wrongAgain(options, known, ip));
  }

  /** Undefined for a credential that is known to be wrong. */
  function recall(
    known: Remembered,
    account: Account | undefined,
    presented: PresentedBasic,
  ): Verdict | Promise<Verdict> | undefined {
    if ((account?.user.passwordHash ?? NOBODY) !== known.passwordHash) {
      remembered.delete(presented.key);
      return check(presented);
    }
    return known.correct && account !== undefined ? admitted(account, account.principal) : undefined;
  }

  /** Checks a credential with a hash, once however many requests carry it at the same time. */
  function check(presented: PresentedBasic): Promise<Verdict> {
    const { key, value, ip } = presented;
    const running = checking.get(key);
    if (running !== undefined) {
      return running.then((verdict) => asOfNow(verdict, presented));
    }
    const verdict = checkOnce(options, value, ip, (found) => remembered.set(key, found)).finally(() =>
      checking.delete(key),
    );
    checking.set(key, verdict);
    // Of requests that come with it at the same time, one signs in.
    return verdict.then(asSignIn);
  }

  /**
   * The verdict of a check, for a request that came while it ran: the check may have looked at the user before a change
   * that counts for this one. It costs no hash, unless the password was changed.
   */
  async function asOfNow(verdict: Verdict, presented: PresentedBasic): Promise<Verdict> {
    const wasRefused = verdict === 'not-mine' || 'refused' in verdict;
    const known = remembered.get(presented.key);
    if (known === undefined) {
      return wasRefused ? verdict : check(presented);
    }
    const account = await accounts.byName(known.username);
    return recall(known, account, presented) ?? (wasRefused ? verdict : wrong(known.username));
  }
}

/** The verdict on a credential that is known to be wrong: it costs no hash, and counts as a failure all the same. */
function wrongAgain(
  { throttle, pace }: BasicOptions,
  { username }: Remembered,
  ip: string,
): Promise<Verdict> {
  return throttled({ username, ip }, pace, () =>
    throttle.attempt({ username, ip }, async () => false).then(() => wrong(username)),
  );
}

/** @param remember - takes what came of it, with the hash that it was checked with. */
async function checkOnce(
  options: BasicOptions,
  value: string,
  ip: string,
  remember: (found: Remembered) => void,
): Promise<Verdict> {
  const credentials = readCredentials(value);
  if (credentials === undefined) {
    return { refused: 'the credentials are not readable as HTTP basic' };
  }
  const { username } = credentials;
  if (username.startsWith(LOGGED_OUT_PREFIX)) {
    return { refused: 'signed out by the UI of MLflow' };
  }
  return throttled({ username, ip }, options.pace, () => verify(options, credentials, ip, remember));
}

/** HTTP basic reads a name as far as the first colon; nobody's has one. */
const isWritable = ({ username, password }: Credentials): boolean =>
  username !== '' && !/[:\0]/.test(username) && !password.includes('\0');

const writeCredentials = ({ username, password }: Credentials): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

/**
 * Checks a credential with a hash.
 *
 * @param remember - takes what came of it, with the hash that it was checked with.
 */
async function verify(
  { accounts, passwords, throttle, rehash }: BasicOptions,
  { username, password }: Credentials,
  ip: string,
  remember: (found: Remembered) => void,
): Promise<Verdict> {
  const before = await accounts.byName(username);
  const correct = await throttle.attempt({ username, ip }, (rank) =>
    // A service account is not to be told from a user by time either.
    before === undefined || before.user.passwordHash === NO_PASSWORD
      ? passwords.verifyMissing(password, rank)
      : passwords.verify(password, before.user.passwordHash, rank),
  );
  let passwordHash = before?.user.passwordHash ?? NOBODY;
  if (correct && typeof passwordHash === 'string' && passwords.needsRehash(passwordHash, password)) {
    passwordHash = await rehash(username, passwordHash, password);
  }
  if (before !== undefined || username.length <= LONGEST_REMEMBERED) {
    remember({ username, passwordHash, correct });
  }
  // The hash took a while: a password changed or a user deleted meanwhile is a refusal.
  const now = correct ? await accounts.byName(username) : undefined;
  return now !== undefined && now.user.passwordHash === passwordHash
    ? admitted(now, now.principal)
    : wrong(username);
}

/** A refusal in place of the error that says that too many have failed, so that the name is known to the log. */
async function throttled(
  { username }: { readonly username: string; readonly ip: string },
  pace: Pace | undefined,
  verdict: () => Promise<Verdict>,
): Promise<Verdict> {
  try {
    return await verdict();
  } catch (error) {
    await pace?.();
    if (error instanceof ApiError && error.code === 'RESOURCE_EXHAUSTED') {
      return { refused: error.because ?? error.message, triedAs: username, error };
    }
    throw error;
  }
}

const wrong = (triedAs: string): Refused => ({ refused: 'wrong name or password', triedAs });

/**
 * Reads `Basic base64(user:password)`, in UTF-8 as the challenge asks (RFC 7617, 2.1). Bytes that are none are what
 * older clients send, Python's requests among them: Latin-1.
 *
 * @returns undefined if it is not that.
 */
export function readCredentials(value: string): Credentials | undefined {
  const encoded = value.slice('basic '.length).trim();
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(encoded)) {
    return undefined;
  }
  const bytes = Buffer.from(encoded, 'base64');
  const colon = bytes.indexOf(':');
  if (colon < 1 || bytes.includes(0)) {
    return undefined;
  }
  const encoding = isUtf8(bytes) ? 'utf8' : 'latin1';
  // Each decoded by itself: V8 keeps the whole of a text, the password too, for as long as a part of it is kept.
  return {
    username: bytes.toString(encoding, 0, colon),
    password: bytes.toString(encoding, colon + 1),
  };
}
