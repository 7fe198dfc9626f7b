import { expect, test } from 'vitest';
import { nearestName } from '../../src/config/nearest-name.ts';

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
