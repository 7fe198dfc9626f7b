import { expect, test } from 'vitest';
import { checkGrant } from '../../../src/cli/import/check-grant.ts';

const READ = { permission: 'READ', workspace: 'default' };

test.each([
  ['experiment', '0'],
  ['experiment', '12345678901'],
  ['experiment', '*'],
  ['registered_model', 'a model / with any name'],
  ['prompt', 'greeting'],
  ['scorer', '1/a%20scorer'],
  ['gateway_secret', 's-1f'],
  ['run', '*'],
  ['workspace', '*'],
])('READ on %s %s is taken as it is', (type, pattern) => {
  expect(checkGrant({ ...READ, type, pattern }, true)).toEqual({ type, pattern, permission: 'READ' });
});

test.each([
  ['experiment', '01', 'names nothing'],
  ['experiment', '１', 'names nothing'],
  ['experiment', '1_0', 'names nothing'],
  ['experiment', '', 'names nothing'],
  ['scorer', '01/s', 'names nothing'],
  ['registered_model', 'a\nb', 'names nothing'],
  ['run', 'abc', 'supports only wildcard'],
  ['workspace', 'default', 'supports only wildcard'],
  ['spaceship', '*', "Invalid resource type 'spaceship'"],
])('READ on %s %j is left', (type, pattern, why) => {
  expect(checkGrant({ ...READ, type, pattern }, true)).toContain(why);
});

test.each(['', 'OWNER', 'read', 'toString'])('the permission %j is left', (permission) => {
  expect(checkGrant({ ...READ, type: 'experiment', pattern: '1', permission }, true)).toContain(
    'is not a permission',
  );
});

test.each(['NO_PERMISSIONS', 'DENY'])('the refusal %s is taken', (permission) => {
  const grant = { type: 'experiment', pattern: '1', permission };
  expect(checkGrant({ ...grant, workspace: 'default' }, false)).toEqual(grant);
});

test('another workspace is left: its names are not those of this one', () => {
  expect(checkGrant({ ...READ, workspace: 'team', type: 'experiment', pattern: '1' }, true)).toContain(
    'workspace team',
  );
});

test('where * was a name like any other it must not come to stand for all', () => {
  expect(checkGrant({ ...READ, type: 'registered_model', pattern: '*' }, false)).toContain(
    'would stand for all',
  );
});
