import { expect, test } from 'vitest';
import { editDistance, nearestName } from '../../src/config/nearest-name.ts';

test.each([
  ['prot', 'port'],
  ['hots', 'host'],
  ['port', 'port'],
  ['upstream_url', 'upstream_uri'],
  ['a', undefined],
  ['something_else', undefined],
  ['', undefined],
])('%s is nearest to %s', (name, nearest) => {
  expect(nearestName(name, ['host', 'port', 'upstream_uri'])).toBe(nearest);
});

test.each([
  ['', '', 0],
  ['', 'abc', 3],
  ['same', 'same', 0],
  ['password', 'pasword', 1],
  ['password', 'passsword', 1],
  ['password', 'passwort', 1],
  ['password', 'passwrod', 1],
  ['kitten', 'sitting', 3],
  ['ca', 'abc', 3],
])('from %j to %j it takes %i edits', (a, b, edits) => {
  expect([editDistance(a, b), editDistance(b, a)]).toEqual([edits, edits]);
});
