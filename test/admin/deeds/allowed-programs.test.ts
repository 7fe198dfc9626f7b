import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  type AllowedPrograms,
  CODE_MS,
  challengeOf,
  codeFor,
  redeem,
} from '../../../src/admin/deeds/allowed-programs.ts';
import { changingBy } from '../../../src/audit/changing.ts';
import { recordUnattended } from '../../../src/audit/unattended.ts';
import { createSealing } from '../../../src/identity/oidc/sealed.ts';
import { ENGINES } from '../../store/engines.ts';
import { addUser } from '../../store/temporary.ts';

const VERIFIER = 'a verifier of the program, long enough for all of it';
const HOUR = 3_600_000;

test.each(ENGINES)('a code is good for two minutes, in a session that is, on $name', async ({ open }) => {
  const store = await open();
  const user = await addUser(store, 'alice');
  let now = 10_000;
  const parts: AllowedPrograms = {
    codes: createSealing(randomBytes(32), 'test', randomBytes),
    tokens: { maxDays: 1, defaultDays: 1, clock: () => now, random: randomBytes },
    sessions: { idleMs: HOUR },
  };
  const begin = (id: string, lifeMs: number) =>
    store.sessions.create({
      ...{ id, userId: user.id, hash: id, lifeMs, idleMs: HOUR, ip: undefined, userAgent: undefined },
    });
  const long = await begin('long', HOUR);
  const short = await begin('short', CODE_MS);
  const code = (sessionId: string) =>
    codeFor(parts, { sessionId, name: 'a program', challenge: challengeOf(VERIFIER) });
  const changing = changingBy(
    store,
    recordUnattended({ operation: 'test', because: 'test', clock: () => now }),
  );
  const fetched = async (each: string) =>
    redeem(changing, parts, { code: each, verifier: VERIFIER, redirectUri: undefined });

  const [first, second] = [code(long.id), code(long.id)];
  now += CODE_MS - 1;
  expect(await fetched(first)).toHaveProperty('token.username', 'alice');
  now += 1;
  expect(await fetched(second)).toBeUndefined();

  // Of a session that ends before that.
  now = short.expiresAt - 1;
  const [third, fourth] = [code(short.id), code(short.id)];
  expect(await fetched(third)).toHaveProperty('token.username', 'alice');
  now = short.expiresAt;
  expect(await fetched(fourth)).toEqual({
    because: 'the session in which it was allowed has ended',
    username: 'alice',
  });

  // Or unused.
  now = long.lastUsedAt + HOUR - 1;
  const fifth = code(long.id);
  now += 1;
  expect(await fetched(fifth)).toHaveProperty('because', 'the session in which it was allowed has ended');
});
