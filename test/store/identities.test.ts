import { describe, expect, test } from 'vitest';
import { identityKey } from '../../src/store/types.ts';
import { ENGINES } from './engines.ts';
import { addUser } from './temporary.ts';

const THERE = { issuer: 'https://sso.example.com/', subject: 'a subject' };

describe.each(ENGINES)('on $name', ({ open }) => {
  test('a subject is one user’s, and a user has one at each provider', async () => {
    const store = await open();
    const { identities } = store;
    const [alice, bob] = [await addUser(store, 'alice'), await addUser(store, 'bob')];
    const link = { ...THERE, userId: alice.id, isBrought: true };
    expect(await identities.get(THERE)).toBeUndefined();
    expect(await identities.link(link)).toBe(true);
    expect(await identities.link(link)).toBe(false);
    await expect(identities.link({ ...link, userId: bob.id })).rejects.toThrow('linked to another user');
    await expect(identities.link({ ...link, subject: 'other' })).rejects.toThrow('another subject');
    expect(await identities.get(THERE)).toEqual({ ...link, username: 'alice' });
    expect((await store.account('alice'))?.identities).toEqual(new Set([identityKey(THERE)]));
    expect(await identities.unlink(alice.id, THERE.issuer)).toBe(true);
    expect(await identities.unlink(alice.id, THERE.issuer)).toBe(false);
    expect(await identities.ofUser(alice.id)).toEqual([]);
  });

  test('users are counted by where they come from', async () => {
    const store = await open();
    const { identities } = store;
    expect(await identities.countByIssuer()).toEqual(new Map());
    for (const [name, issuers] of [
      ['alice', ['a', 'b']],
      ['bob', ['b']],
    ] as const) {
      const { id: userId } = await addUser(store, name);
      for (const issuer of issuers) {
        await identities.link({ issuer, subject: name, userId, isBrought: false });
      }
    }
    expect(await identities.countByIssuer()).toEqual(
      new Map([
        ['a', 1],
        ['b', 2],
      ]),
    );
  });

  test('groups come and go as the provider says last, and for as long', async () => {
    const store = await open();
    const { identities, roles } = store;
    const alice = await addUser(store, 'alice');
    await identities.link({ ...THERE, userId: alice.id, isBrought: true });
    await roles.create({ name: 'local' });
    const names = async () => (await roles.rolesOf(alice.id)).map(({ name }) => name).toSorted();
    const groups = Array.from({ length: 450 }, (_, index) => `g${index}`);
    const first = await identities.followGroups(THERE, {
      groups: [...groups, 'local'],
      asOf: 5,
      until: undefined,
    });
    expect(first?.taken).toEqual(['local']);
    expect(await names()).toHaveLength(450);
    expect(await identities.followGroups(THERE, { groups: [], asOf: 4, until: undefined })).toBeUndefined();
    const next = await identities.followGroups(THERE, { groups: ['g1', 'new'], asOf: 6, until: undefined });
    expect(next?.after).toEqual(['g1', 'new']);
    expect(await names()).toEqual(['g1', 'new']);
    const [role] = (await roles.list()).filter(({ name }) => name === 'new');
    expect(role?.group).toEqual({ issuer: THERE.issuer, name: 'new' });

    const now = await store.now();
    await identities.followGroups(THERE, { groups: ['g1', 'new', 'short'], asOf: 7, until: now + 60_000 });
    expect(await names()).toEqual(['g1', 'new', 'short']);
    expect((await store.account('alice'))?.holdsUntil).toBe(now + 60_000);
    await identities.followGroups(THERE, { groups: ['g1', 'over'], asOf: 8, until: now - 1 });
    // What was said for good before stays so; what has ended by now is not there.
    expect(await names()).toEqual(['g1']);
    expect(await roles.members(role?.id ?? 0)).toEqual([]);
    await identities.unlink(alice.id, THERE.issuer);
    expect(await names()).toEqual([]);
  });

  test('a session that began at a provider is asked about by one at a time', async () => {
    const store = await open();
    const { providerSessions, sessions, identities } = store;
    const alice = await addUser(store, 'alice');
    await identities.link({ ...THERE, userId: alice.id, isBrought: true });
    const own = { hash: 'h', lifeMs: 1e9, idleMs: 1e9, ip: undefined, userAgent: undefined };
    await sessions.create({ ...own, id: 'one', userId: alice.id });
    const session = {
      ...THERE,
      sessionId: 'one',
      sid: 'there',
      refreshToken: 'r',
      idToken: undefined,
      checkAt: 7,
    };
    await providerSessions.add(session);
    expect(await providerSessions.get('one')).toEqual(session);
    expect(await providerSessions.hold('one', 8, 60_000)).toBeUndefined();
    expect(await providerSessions.hold('one', 7, 60_000)).toEqual(session);
    expect(await providerSessions.hold('one', 7, 60_000)).toBeUndefined();
    await providerSessions.release('one');
    expect(await providerSessions.hold('one', 7, 60_000)).toEqual(session);
    await providerSessions.checked('one', { refreshToken: 'next', idToken: 'i', checkAt: 9 });
    expect(await providerSessions.get('one')).toEqual({
      ...session,
      refreshToken: 'next',
      idToken: 'i',
      checkAt: 9,
    });
    const said = (more: object) =>
      providerSessions.endedThere({ issuer: THERE.issuer, subject: undefined, sid: undefined, ...more });
    expect(await said({ subject: THERE.subject })).toEqual(['one']);
    expect(await said({ subject: THERE.subject, sid: 'elsewhere' })).toEqual([]);
    expect(await said({ sid: 'there' })).toEqual(['one']);
    expect(await providerSessions.use('key', 60_000)).toBe(true);
    expect(await providerSessions.use('key', 60_000)).toBe(false);
    // Unlinked, its user has it no longer.
    await identities.unlink(alice.id, THERE.issuer);
    expect(await sessions.get('one')).toBeUndefined();
    expect(await providerSessions.get('one')).toBeUndefined();
  });
});
