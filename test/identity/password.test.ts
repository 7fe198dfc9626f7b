import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { createPasswords, type PasswordOptions, type Passwords } from '../../src/identity/password.ts';
import { bcryptRounds } from '../../src/identity/password-formats.ts';

const shared = createPasswords({ rounds: 4, minLength: 12 });
afterAll(() => shared.close());

/** Threads take a while to start: a test that asks for nothing special shares them. */
function passwords(options?: Partial<PasswordOptions>): Passwords {
  if (options === undefined) {
    return shared;
  }
  const made = createPasswords({ rounds: 4, minLength: 12, ...options });
  onTestFinished(() => made.close());
  return made;
}

const PASSWORD = 'correct horse battery';

describe('a password', () => {
  test('is the one of its hash, and no other is', async () => {
    const { hash, verify } = passwords();
    const stored = await hash(PASSWORD);
    expect(bcryptRounds(stored)).toBe(4);
    expect(await verify(PASSWORD, stored)).toBe(true);
    expect(await verify(`${PASSWORD}!`, stored)).toBe(false);
    expect(await verify('', stored)).toBe(false);
  });

  test('is salted with the randomness given', async () => {
    const zeros = passwords({ randomBytes: (size) => new Uint8Array(size) });
    expect(await zeros.hash(PASSWORD)).toBe(await zeros.hash(PASSWORD));
    const random = passwords();
    expect(await random.hash(PASSWORD)).not.toBe(await random.hash(PASSWORD));
  });

  test('may hold any character', async () => {
    const { hash, verify } = passwords();
    const stored = await hash('pässwörd 日本語 🔑');
    expect(await verify('pässwörd 日本語 🔑', stored)).toBe(true);
    expect(await verify('pässwörd 日本語 🔒', stored)).toBe(false);
  });

  test('that is longer than bcrypt reads does not pass for its first 72 bytes', async () => {
    const { hash, verify } = passwords();
    const stored = await hash('x'.repeat(72));
    expect(await verify('x'.repeat(72), stored)).toBe(true);
    expect(await verify('x'.repeat(73), stored)).toBe(false);
  });

  test('that repeats itself behind a NUL does not pass for itself', async () => {
    const { hash, verify } = passwords();
    expect(await verify('abc\0abc', await hash('abc'))).toBe(false);
  });

  test('with a lone surrogate does not pass for one with the replacement character', async () => {
    const { verify } = passwords();
    expect(await verify('\uD800', await passwords().hash('\uFFFD'))).toBe(false);
  });

  test('of a user that does not exist is never right', async () => {
    expect(await passwords().verifyMissing(PASSWORD)).toBe(false);
  });
});

describe('a new password', () => {
  test.each([
    [undefined, 'Password must be a string.'],
    [123456789012, 'Password must be a string.'],
    ['', 'Password must be at least 12 characters.'],
    ['elevenchars', 'Password must be at least 12 characters.'],
    ['🔑'.repeat(11), 'Password must be at least 12 characters.'],
    ['x'.repeat(73), 'Password must be at most 72 bytes in UTF-8.'],
    ['é'.repeat(37), 'Password must be at most 72 bytes in UTF-8.'],
    ['twelve chars\0', 'Password must be valid Unicode without NUL characters.'],
    ['twelve chars\uD800', 'Password must be valid Unicode without NUL characters.'],
  ])('must not be %j', (password, message) => {
    expect(() => passwords().checkRules(password)).toThrow(
      expect.objectContaining({ code: 'INVALID_PARAMETER_VALUE', message }),
    );
  });

  test.each(['twelve chars', '🔑'.repeat(12), 'x'.repeat(72)])('may be %j', (password) => {
    expect(() => passwords().checkRules(password)).not.toThrow();
  });

  test('must not be empty, whatever the minimum', () => {
    expect(() => passwords({ minLength: 0 }).checkRules('')).toThrow(
      'Password must be at least 1 characters.',
    );
  });

  test('is never hashed in part', async () => {
    await expect(passwords().hash('x'.repeat(73))).rejects.toMatchObject({ code: 'INVALID_PARAMETER_VALUE' });
    await expect(passwords().hash('a\0b')).rejects.toMatchObject({ code: 'INVALID_PARAMETER_VALUE' });
  });
});

/** Made with Werkzeug 3.1.9, which MLflow 2.15.1 to 3.17.2 hash with. */
const WERKZEUG = {
  'scrypt with the default cost': [
    PASSWORD,
    'scrypt:32768:8:1$fZ3H5yOR3JZfDXxB$766c87c1d9337d51e0cd7cd4e646e9f35ea515d6db70d1d36e2e55709a12a60811aed2e89a9154595fc78fb347289c56e66bc291d50fff05509846a9a1e88c62',
  ],
  'scrypt with another cost': [
    PASSWORD,
    'scrypt:1024:8:2$iC7dCsWzUWCWLsso$414d12743b5825c5ee02027013e77bf1c397be57736acae92e1432f81d2ab9b89f5fb72b1252034ecd706914fbe1a06efe696234940f750a36a41dba8d22643d',
  ],
  'scrypt of other scripts': [
    'pässwörd-日本語-🔑',
    'scrypt:1024:8:1$slLKW9JKw8TP0Dd8$d2175c06e0153321d00d02e3e4c3f0d238de045ec0438782e7bfdebe1b7916b561a1bc53e4956ae5702d6e53ca648fee320db8af130474672b5a471d2498d73f',
  ],
  'pbkdf2 with sha256': [
    PASSWORD,
    'pbkdf2:sha256:1000$XNyR5G8Uwu547jA0$8f3a24788d072f59799496e0b039fc89709bb9efc3971557a54eb7dd12261d5b',
  ],
  'pbkdf2 with sha512': [
    PASSWORD,
    'pbkdf2:sha512:1000$3nJgXS7hpPFFewRU$c907dae691ad0eac7baa7da64f26d68b1b4814271d9db8c9bc0072c80b00898c24fa87fb1bae78ce0290638e434ccecdeef332f1aa923ce4e9f5a4dcccc75f81',
  ],
  'pbkdf2 with the default iterations': [
    PASSWORD,
    'pbkdf2:sha256$saltsaltsaltsalt$ea77a188600c8f73f427dbc2670c4d1a961b9c6affe8bc580fe407e40c4d4ad7',
  ],
  'pbkdf2 of a password longer than bcrypt reads': [
    'x'.repeat(100),
    'pbkdf2:sha256:1000$6I7AsPbMv0t2rlK6$b9d0132441e11d1d2838e59f64ccfb470f7f2a24c097fd919dc2a413155de4ba',
  ],
} as const;

describe.each(Object.entries(WERKZEUG))("MLflow's hash: %s", (_name, [password, hash]) => {
  test('is that of its password, of no other, and is outdated', async () => {
    const { verify, needsRehash } = passwords();
    expect(await verify(password, hash)).toBe(true);
    expect(await verify(`${password}.`, hash)).toBe(false);
    expect(needsRehash(hash)).toBe(true);
  });
});

describe('a hash that is not one is nobody’s', () => {
  const [, scrypt] = WERKZEUG['scrypt with another cost'];
  const [, pbkdf2] = WERKZEUG['pbkdf2 with sha256'];
  test.each([
    '',
    PASSWORD,
    `plain$$${PASSWORD}`,
    '$2b$12$short',
    '$2b$99$7EqJtq98hPqEX7fNZaFWoOe1n2m3Q8Vx0aSp4cKbJdYhRuTgL6wiy',
    scrypt.replace('1024', '1023'),
    scrypt.replace('1024:8', '134217728:8'),
    scrypt.replace('1024:8', '1024:0'),
    scrypt.slice(0, -2),
    `${scrypt.slice(0, -2)}zz`,
    pbkdf2.slice(0, -2),
    pbkdf2.replace('sha256', 'md5'),
    pbkdf2.replace(':1000', ':99999999'),
    'pbkdf2:sha256:1000$salt$',
  ])('%s', async (hash) => expect(await passwords().verify(PASSWORD, hash)).toBe(false));
});

describe('a hash is replaced', () => {
  test('when it took fewer rounds than are asked for now', async () => {
    const stored = await passwords({ rounds: 4 }).hash(PASSWORD);
    expect(passwords({ rounds: 5 }).needsRehash(stored)).toBe(true);
    expect(passwords({ rounds: 4 }).needsRehash(stored)).toBe(false);
  });

  test('unless bcrypt would not read its password to the end', () => {
    const [password, hash] = WERKZEUG['pbkdf2 of a password longer than bcrypt reads'];
    expect(passwords().needsRehash(hash, password)).toBe(false);
    expect(passwords().needsRehash(hash, PASSWORD)).toBe(true);
  });
});

describe('a flood of passwords', () => {
  test('leaves the event loop free', async () => {
    const { hash } = passwords({ rounds: 10 });
    let done = false;
    const hashing = Promise.all([hash(PASSWORD), hash(PASSWORD), hash(PASSWORD)]).then(() => {
      done = true;
    });
    let turns = 0;
    while (!done) {
      turns += 1;
      await new Promise(setImmediate);
    }
    await hashing;
    // On the event loop itself, three hashes would leave it a handful of turns.
    expect(turns).toBeGreaterThan(100);
  });

  test('beyond what may wait is answered 503 with a time to come back', async () => {
    const { hash, verify } = passwords({ maxThreads: 1, maxQueue: 2 });
    const stored = await hash(PASSWORD);
    const results = await Promise.allSettled(Array.from({ length: 5 }, () => verify(PASSWORD, stored)));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    const refusals = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    expect(refusals).toHaveLength(2);
    for (const refusal of refusals) {
      expect(refusal).toMatchObject({
        code: 'TEMPORARILY_UNAVAILABLE',
        status: 503,
        headers: { 'retry-after': '1' },
      });
    }
    expect(await verify(PASSWORD, stored)).toBe(true);
  });

  test('is not judged after closing', async () => {
    const closing = passwords({});
    const stored = await closing.hash(PASSWORD);
    const waiting = closing.verify(PASSWORD, stored);
    const outcome = expect(waiting).rejects.toMatchObject({ status: 503 });
    await closing.close();
    await outcome;
    await expect(closing.verify(PASSWORD, stored)).rejects.toMatchObject({ status: 503 });
  });
});

test('a missing user costs one hash of the rounds in force, as a user does', async () => {
  const { verifyMissing, verify, hash } = passwords({ rounds: 10, maxThreads: 1 });
  const stored = await hash(PASSWORD);
  const time = async (check: () => Promise<boolean>) => {
    const times: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      const start = performance.now();
      await check();
      times.push(performance.now() - start);
    }
    return Math.min(...times);
  };
  const present = await time(() => verify('wrong password', stored));
  const missing = await time(() => verifyMissing('wrong password'));
  expect(missing / present).toBeGreaterThan(0.3);
  expect(missing / present).toBeLessThan(3);
});
