/** A request that comes while another has the same credential checked is judged by what has changed until it came. */
import { generateKeyPair, SignJWT } from 'jose';
import { expect, test } from 'vitest';
import { type Accounts, createAccounts } from '../../src/identity/accounts.ts';
import { type BasicOptions, createBasic } from '../../src/identity/basic.ts';
import { createBearerJwt } from '../../src/identity/oidc/bearer-jwt.ts';
import type { Provider } from '../../src/identity/oidc/provider.ts';
import type { Authenticator, Verdict } from '../../src/identity/principal.ts';
import type { Store } from '../../src/store/index.ts';
import { addUser, open } from '../store/temporary.ts';
import { presentedBy } from '../support/presented.ts';

const ISSUER = 'https://provider.example/';
const AUDIENCE = 'gateway';
const IDENTITY = { issuer: ISSUER, subject: 'subject' };

/** Steps that wait until they are let on, each when something has reached it. */
function createGate() {
  let isShut = false;
  const waiting: (() => void)[] = [];
  return {
    shut: () => {
      isShut = true;
    },
    pass: async () => {
      if (isShut) {
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
    },
    /** Holds what waits, and nothing else. */
    holdNoMore: () => {
      isShut = false;
    },
    async reached() {
      while (waiting.length === 0) {
        await new Promise(setImmediate);
      }
    },
    open: () => {
      isShut = false;
      waiting.splice(0).forEach((resolve) => void resolve());
    },
  };
}

/** Accounts whose last answer about a user can be held back after it was read. */
function heldBack(accounts: Accounts, gate: ReturnType<typeof createGate>): Accounts {
  return {
    async byName(username) {
      const account = await accounts.byName(username);
      await gate.pass();
      return account;
    },
  };
}

const present = (way: Authenticator, authorization: string) =>
  Promise.resolve(way.authenticate({ ...presentedBy(authorization), arrives: true }));

const outcome = (verdict: Verdict) =>
  verdict === 'not-mine' ? verdict : 'refused' in verdict ? 'refused' : verdict.username;

async function openBasic() {
  const store = await open();
  const user = await addUser(store, 'alice');
  const accounts = createAccounts(store);
  const [hashing, looking] = [createGate(), createGate()];
  let hashes = 0;
  const options: BasicOptions = {
    accounts: heldBack(accounts, looking),
    passwords: {
      verify: async (password: string, hash: string) => {
        hashes += 1;
        await hashing.pass();
        return hash === `hash of ${password}`;
      },
      needsRehash: () => false,
    } as unknown as BasicOptions['passwords'],
    throttle: {
      attempt: (_: unknown, check: (rank: number) => Promise<boolean>) => check(0),
    } as unknown as BasicOptions['throttle'],
    rehash: async (_, hash) => hash,
    processKey: new Uint8Array(32),
  };
  const way = createBasic(options);
  const ask = (password: string) =>
    present(way, `Basic ${Buffer.from(`alice:${password}`).toString('base64')}`).then(outcome);
  return { store, user, ask, hashing, looking, hashes: () => hashes };
}

test('a password that was changed after it was checked lets nobody in who comes after the change', async () => {
  const { store, user, ask, hashing, looking } = await openBasic();
  hashing.shut();
  const first = ask('alice');
  await hashing.reached();
  looking.shut();
  hashing.open();
  // What was read of the user for the first is on its way.
  await looking.reached();
  looking.holdNoMore();
  await store.users.setPassword(user.id, 'hash of another');
  const second = ask('alice');
  await new Promise(setImmediate);
  looking.open();
  expect(await first).toBe('alice');
  expect(await second).toBe('refused');
});

test('a password that was set while it was wrong lets in whoever comes after that', async () => {
  const { store, user, ask, hashing, hashes } = await openBasic();
  hashing.shut();
  const first = ask('new');
  await hashing.reached();
  await store.users.setPassword(user.id, 'hash of new');
  const others = [ask('new'), ask('new'), ask('new')];
  hashing.open();
  expect(await first).toBe('refused');
  expect(await Promise.all(others)).toEqual(['alice', 'alice', 'alice']);
  expect(hashes()).toBe(2);
});

test('one hash serves all who come with a password at the same time, right or wrong', async () => {
  for (const [password, expected] of [
    ['alice', 'alice'],
    ['wrong', 'refused'],
  ] as const) {
    const { ask, hashing, hashes } = await openBasic();
    hashing.shut();
    const first = ask(password);
    await hashing.reached();
    const others = [ask(password), ask(password)];
    hashing.open();
    expect(await Promise.all([first, ...others])).toEqual([expected, expected, expected]);
    expect(hashes()).toBe(1);
  }
});

async function openJwt() {
  const store = await open();
  const user = await addUser(store, 'alice');
  await store.identities.link({ userId: user.id, ...IDENTITY, isBrought: false });
  const looking = createGate();
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  let checks = 0;
  const provider = {
    name: 'main',
    issuer: ISSUER,
    config: {
      name: 'main',
      issuer: ISSUER,
      audience: [AUDIENCE],
      username_claim: 'sub',
      groups_claim: 'groups',
    },
    discover: async () => ({ issuer: ISSUER, keys: async () => publicKey }),
  } as unknown as Provider;
  const way = createBearerJwt({
    accounts: heldBack(createAccounts(store), looking),
    providers: [provider],
    settle: async () => {
      checks += 1;
      return 'alice';
    },
    clock: Date.now,
  });
  const token = await new SignJWT({})
    .setProtectedHeader({ alg: 'ES256' })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setSubject(IDENTITY.subject)
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(privateKey);
  return {
    store,
    user,
    looking,
    ask: () => present(way, `Bearer ${token}`).then(outcome),
    checks: () => checks,
  };
}

const setActive = (store: Store, id: number, isActive: boolean) => store.users.setActive(id, isActive);

test('a user who is disabled while a token is checked is out for whoever comes after that', async () => {
  const { store, user, looking, ask, checks } = await openJwt();
  looking.shut();
  const first = ask();
  await looking.reached();
  await setActive(store, user.id, false);
  const others = [ask(), ask()];
  looking.open();
  expect(await first).toBe('alice');
  expect(await Promise.all(others)).toEqual(['refused', 'refused']);
  expect(checks()).toBe(1);
});

test('a user who is enabled while a token is checked is in for whoever comes after that, by one more check', async () => {
  const { store, user, looking, ask, checks } = await openJwt();
  await setActive(store, user.id, false);
  looking.shut();
  const first = ask();
  await looking.reached();
  await setActive(store, user.id, true);
  const others = [ask(), ask(), ask()];
  looking.open();
  expect(await first).toBe('refused');
  expect(await Promise.all(others)).toEqual(['alice', 'alice', 'alice']);
  expect(checks()).toBeLessThanOrEqual(2);
});
