import { expect, test } from 'vitest';
import { claimAt, groupsIn, leavesGroupsOut, usernameIn } from '../../../src/identity/oidc/claims.ts';

test('a claim is found by its name, or by a path, whatever dots are in names', () => {
  const claims = {
    groups: ['a'],
    realm_access: { roles: ['b'] },
    'kubernetes.io': { namespace: 'ml', serviceaccount: { name: 'train' } },
    'https://example.com/groups': ['c'],
    'realm_access.roles': ['exactly'],
  };
  expect(claimAt(claims, 'groups')).toEqual(['a']);
  expect(claimAt(claims, 'realm_access.roles')).toEqual(['exactly']);
  expect(claimAt({ realm_access: { roles: ['b'] } }, 'realm_access.roles')).toEqual(['b']);
  expect(claimAt(claims, 'kubernetes.io.serviceaccount.name')).toBe('train');
  expect(claimAt(claims, 'https://example.com/groups')).toEqual(['c']);
  for (const path of [
    'missing',
    'groups.0',
    'groups.length',
    'constructor',
    '__proto__',
    'realm_access.constructor',
  ]) {
    expect(claimAt(claims, path)).toBeUndefined();
  }
});

test('groups are texts, each once: a text is one group and is not taken apart', () => {
  expect(groupsIn({ groups: ['a', 'b', 'a', '', 7, null, ['c'], { d: 1 }] }, 'groups')).toEqual(['a', 'b']);
  expect(groupsIn({ groups: 'admins users' }, 'groups')).toEqual(['admins users']);
  expect(groupsIn({}, 'groups')).toEqual([]);
  expect(groupsIn({ groups: { admins: true } }, 'groups')).toEqual([]);
});

test('groups that are left out of a token as there are too many are not taken for none', () => {
  expect(leavesGroupsOut({ _claim_names: { groups: 'src1' }, _claim_sources: {} }, 'groups')).toBe(true);
  expect(leavesGroupsOut({ hasgroups: true }, 'groups')).toBe(true);
  expect(leavesGroupsOut({ _claim_names: { other: 'src1' } }, 'groups')).toBe(false);
  expect(leavesGroupsOut({ groups: ['a'] }, 'groups')).toBe(false);
});

test('a name is folded as names are compared, and an email counts only if it is verified', () => {
  expect(usernameIn({ preferred_username: ' Alice ' }, 'preferred_username')).toBe('alice');
  expect(usernameIn({ preferred_username: 'ＡＬＩＣＥ' }, 'preferred_username')).toBe('alice');
  expect(usernameIn({ email: 'Al@Example.com', email_verified: true }, 'email')).toBe('al@example.com');
  for (const verified of [false, 'true', undefined, 1]) {
    expect(usernameIn({ email: 'al@example.com', email_verified: verified }, 'email')).toBeUndefined();
  }
  for (const name of ['', ' ', 7, null, ['alice'], 'al\ud800ice', '\udc00', 'alice\0']) {
    expect(usernameIn({ preferred_username: name }, 'preferred_username')).toBeUndefined();
  }
});
