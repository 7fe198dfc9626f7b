import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { createAccounts } from '../../src/identity/accounts.ts';
import type { Authenticator } from '../../src/identity/principal.ts';
import { createToken } from '../../src/identity/token.ts';
import { hashOf, makeSecret, prefixOf } from '../../src/identity/token-secret.ts';
import type { Store } from '../../src/store/index.ts';
import { addUser, open } from '../store/temporary.ts';
import { presentedBy } from '../support/presented.ts';

const ask = (way: Authenticator, authorization: string) => way.authenticate(presentedBy(authorization));

const ownerIn = (store: Store) => async (hash: string) => (await store.tokens.ownersOf([hash])).get(hash);

async function makeToken(store: Store, lifeMs: number | undefined) {
  const { id: userId } = (await store.users.get('alice')) ?? (await addUser(store, 'alice'));
  const secret = makeSecret(randomBytes);
  const token = await store.tokens.create({
    id: hashOf(secret).slice(0, 8),
    userId,
    name: 'a token',
    hash: hashOf(secret),
    prefix: prefixOf(secret),
    ceiling: undefined,
    lifeMs,
    createdBy: 'alice',
  });
  return { token, secret };
}

test('is refused from the moment on at which it ends, remembered or not', async () => {
  const store = await open();
  const { token, secret } = await makeToken(store, 5_000);
  let now = token.createdAt;
  const fresh = () =>
    createToken({ accounts: createAccounts(store), ownerOf: ownerIn(store), clock: () => now });
  const way = fresh();
  const end = token.expiresAt ?? 0;
  expect(end).toBe(token.createdAt + 5_000);
  now = end - 1;
  expect(await ask(way, `Bearer ${secret}`)).toMatchObject({
    username: 'alice',
    credential: { kind: 'token', id: token.id, expiresAt: end },
  });
  now = end;
  for (const each of [way, fresh()]) {
    expect(await ask(each, `Bearer ${secret}`)).toMatchObject({
      refused: 'the token has expired',
      triedAs: 'alice',
    });
  }
});

test('without an end is never refused for its age', async () => {
  const store = await open();
  const { secret } = await makeToken(store, undefined);
  const way = createToken({
    accounts: createAccounts(store),
    ownerOf: ownerIn(store),
    clock: () => Number.MAX_SAFE_INTEGER,
  });
  expect(await ask(way, `Bearer ${secret}`)).toMatchObject({ username: 'alice' });
});

test('is looked up once, and then is known at once until something about its user changes', async () => {
  const store = await open();
  const { token, secret } = await makeToken(store, undefined);
  let lookUps = 0;
  const ownerOf = (hash: string) => {
    lookUps += 1;
    return ownerIn(store)(hash);
  };
  const way = createToken({ accounts: createAccounts(store), ownerOf, clock: () => 0 });
  await ask(way, `Bearer ${secret}`);
  const known = ask(way, `Bearer ${secret}`);
  expect(known).not.toBeInstanceOf(Promise);
  expect(known).toMatchObject({ username: 'alice' });
  expect(lookUps).toBe(1);
  await store.grants.create(token.userId, 'experiment', '7', 'READ');
  expect(await ask(way, `Bearer ${secret}`)).toMatchObject({ username: 'alice' });
  expect(lookUps).toBe(1);
  await store.tokens.remove(token.id);
  expect(await ask(way, `Bearer ${secret}`)).toMatchObject({ refused: 'there is no such token' });
});

test('is found in HTTP basic wherever base64 puts it', async () => {
  const store = await open();
  const { secret } = await makeToken(store, undefined);
  const way = createToken({ accounts: createAccounts(store), ownerOf: ownerIn(store), clock: () => 0 });
  const basic = (text: string) => ask(way, `Basic ${Buffer.from(text).toString('base64')}`);
  expect(await basic(`alice:${secret}`)).toMatchObject({ username: 'alice' });
  for (const name of ['a', 'ab', 'abc', 'abcd', 'ä']) {
    expect(await basic(`${name}:${secret}`), name).toMatchObject({ refused: 'the token is of another user' });
    expect(await basic(`${name}:${secret}0`), name).toMatchObject({ refused: 'the token is mistyped' });
    expect(await basic(`${name}${secret}:x`), name).toMatchObject({
      refused: 'a token was sent as the name of a user',
    });
  }
});

test.each([
  ['nothing', ''],
  ['a password', `Basic ${Buffer.from('alice:a password').toString('base64')}`],
  ['a password that begins like one', `Basic ${Buffer.from('alice:mlag_is mine').toString('base64')}`],
  ['another bearer', 'Bearer eyJhbGciOiJSUzI1NiJ9.e30.x'],
  ['another scheme', 'Digest username="alice"'],
])('leaves %s to others', async (_what, authorization) => {
  const store = await open();
  const way = createToken({ accounts: createAccounts(store), ownerOf: ownerIn(store), clock: () => 0 });
  expect(ask(way, authorization)).toBe('not-mine');
});
