/** What is remembered of a sign-in, right or wrong, holds neither its password nor a name that nobody has. */
import { randomBytes } from 'node:crypto';
import { getHeapSnapshot } from 'node:v8';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAccounts } from '../../src/identity/accounts.ts';
import { createBasic } from '../../src/identity/basic.ts';
import { createPasswords } from '../../src/identity/password.ts';
import { openStore, type Store } from '../../src/store/index.ts';
import { presentedBy } from '../support/presented.ts';

let store: Store;
const passwords = createPasswords({ rounds: 4, minLength: 1 });

beforeAll(async () => {
  store = await openStore('sqlite://', { clock: Date.now });
});
afterAll(async () => {
  await passwords.close();
  await store.close();
});

/** Whether a text is anywhere among the strings that this process holds. Given as bytes, so as not to be one. */
async function isHeld(bytes: Buffer): Promise<boolean> {
  let before = Buffer.alloc(0);
  for await (const chunk of getHeapSnapshot()) {
    const text = Buffer.concat([before, chunk as Buffer]);
    if (text.includes(bytes)) {
      return true;
    }
    before = text.subarray(-bytes.length);
  }
  return false;
}

/** Text that is no string in this process, and can be one. */
const secretText = (bytes: number) => Buffer.from(randomBytes(bytes).toString('hex'));

const REFUSED = expect.objectContaining({ refused: 'wrong name or password' });

const signIn = () =>
  createBasic({
    accounts: createAccounts(store),
    passwords,
    throttle: { attempt: (_attempt, check) => check([]) },
    processKey: randomBytes(32),
    rehash: async (_name, from) => from,
  });

test.each([
  ['right', true],
  ['wrong', false],
])('the password of a %s sign-in', async (_, right) => {
  const secret = secretText(20);
  const name = `somebody-with-a-long-name-${right}`;
  const credentials = Buffer.concat([Buffer.from(`${name}:`), secret]);
  await store.users.create({
    username: name,
    passwordHash: await passwords.hash(right ? secret.toString() : 'another'),
    isAdmin: false,
  });
  const basic = signIn();
  const verdict = await basic.authenticate(presentedBy(`Basic ${credentials.toString('base64')}`));
  expect(verdict).toEqual(right ? expect.objectContaining({ username: name }) : REFUSED);
  // V8 keeps the text that a regular expression was last held against.
  expect(/./.test('another text')).toBe(true);
  expect(await isHeld(secret)).toBe(false);
  // What is looked for would be found.
  expect(await isHeld(Buffer.from(name))).toBe(true);
  expect(basic).toBeDefined();
});

test('a name that is longer than anybody’s', async () => {
  const name = secretText(200);
  const basic = signIn();
  // The last one asked for may still be on its way out of memory.
  for (const username of [name, Buffer.from('somebody'), Buffer.from('else')]) {
    const credentials = Buffer.concat([username, Buffer.from(':password')]).toString('base64');
    expect(await basic.authenticate(presentedBy(`Basic ${credentials}`))).toEqual(REFUSED);
  }
  expect(await isHeld(name)).toBe(false);
  expect(basic).toBeDefined();
});
