import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { createAccounts } from '../../src/identity/accounts.ts';
import type { Authenticator } from '../../src/identity/principal.ts';
import { createSession } from '../../src/identity/session.ts';
import { makeSessionSecret, sessionSecretIn } from '../../src/identity/session-cookie.ts';
import { hashOf } from '../../src/identity/token-secret.ts';
import type { Store } from '../../src/store/index.ts';
import { addUser, open } from '../store/temporary.ts';

const MINUTE = 60_000;
const OVER = expect.objectContaining({ refused: 'the session has ended, or there is none', isOver: true });
const ALICE = expect.objectContaining({ username: 'alice' });

const ask = (way: Authenticator, secret: string, headers: Record<string, string> = {}, isSecure = false) =>
  way.authenticate({
    headers: { cookie: `${isSecure ? '__Host-' : ''}mlflow-gateway=${secret}`, ...headers },
    ...{ ip: '192.0.2.1', method: 'GET', path: '/', isSecure },
  });

let made = 0;

async function begin(store: Store, lifeMs = 100 * MINUTE) {
  const { id: userId } = (await store.users.get('alice')) ?? (await addUser(store, 'alice'));
  made += 1;
  const secret = makeSessionSecret((bytes) => Buffer.alloc(bytes, made));
  const session = await store.sessions.create({
    ...{ id: randomUUID(), userId, hash: hashOf(secret), lifeMs, idleMs: 10 * MINUTE },
    ...{ ip: undefined, userAgent: undefined },
  });
  return { secret, session };
}

/** A gateway's way, with how often it has asked the store. */
function wayOf(store: Store, clock: () => number) {
  const asked: string[] = [];
  const way = createSession({
    accounts: createAccounts(store),
    async ownerOf(hash) {
      asked.push(hash);
      return (await store.sessions.ownersOf([hash])).get(hash);
    },
    ...{ idleMs: 10 * MINUTE, clock },
  });
  return { way, asked };
}

test('a session is its user, and is not asked for again', async () => {
  const store = await open();
  const { secret, session } = await begin(store);
  const { way, asked } = wayOf(store, () => session.createdAt);
  const first = await ask(way, secret);
  expect(first).toEqual(
    expect.objectContaining({
      username: 'alice',
      credential: { kind: 'session', id: session.id, expiresAt: session.expiresAt },
    }),
  );
  expect(first).not.toHaveProperty('isSignIn');
  expect(ask(way, secret)).toBe(first);
  expect(asked).toHaveLength(1);
});

test('one that is used goes on until its time is over; one that is not ends unused', async () => {
  const store = await open();
  const { secret, session } = await begin(store);
  let now = session.createdAt;
  const { way } = wayOf(store, () => now);
  for (; now < session.expiresAt; now += 9 * MINUTE) {
    expect(await ask(way, secret)).toEqual(ALICE);
  }
  now = session.expiresAt - 1;
  expect(await ask(way, secret)).toEqual(ALICE);
  now = session.expiresAt;
  expect(await ask(way, secret)).toEqual(OVER);

  const { secret: unused, session: idle } = await begin(store);
  now = idle.createdAt + 10 * MINUTE - 1;
  expect(await ask(way, unused)).toEqual(ALICE);
  now += 10 * MINUTE;
  expect(await ask(way, unused)).toEqual(OVER);
  expect(await ask(way, unused)).toEqual(OVER);
});

test('one that another gateway was used by goes on here', async () => {
  const store = await open();
  const { secret, session } = await begin(store);
  let now = session.createdAt;
  const { way } = wayOf(store, () => now);
  expect(await ask(way, secret)).toEqual(ALICE);
  now += 9 * MINUTE;
  await store.sessions.noteUse(new Map([[session.id, now]]), MINUTE);
  now += 9 * MINUTE;
  expect(await ask(way, secret)).toEqual(ALICE);
});

test('Authorization beside it decides alone, and over https only the cookie for https counts', async () => {
  const store = await open();
  const { secret, session } = await begin(store);
  const { way } = wayOf(store, () => session.createdAt);
  expect(ask(way, secret, { authorization: '' })).toBe('not-mine');
  expect(ask(way, secret, { cookie: `__Host-mlflow-gateway=${secret}` })).toBe('not-mine');
  expect(ask(way, secret, { cookie: `mlflow-gateway=${secret}` }, true)).toBe('not-mine');
  expect(await ask(way, secret, {}, true)).toEqual(ALICE);
  expect(await ask(way, 'A'.repeat(43))).toEqual(OVER);
});

test('a secret is read from its own cookie alone', () => {
  const secret = 'a'.repeat(43);
  expect(sessionSecretIn(`a=b; mlflow-gateway=${secret};c=d`, false)).toBe(secret);
  expect(sessionSecretIn(`not-mlflow-gateway=${secret}`, false)).toBeUndefined();
  expect(sessionSecretIn(`mlflow-gateway=${secret}a`, false)).toBeUndefined();
  expect(sessionSecretIn(`mlflow-gateway=${secret}; mlflow-gateway=${secret}`, false)).toBeUndefined();
  expect(sessionSecretIn(undefined, false)).toBeUndefined();
});
