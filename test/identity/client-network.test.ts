import { expect, test } from 'vitest';
import { clientNetwork } from '../../src/identity/client-network.ts';

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::ffff:c000:201', '192.0.2.1'],
  ['2001:db8::1', '2001:db8::/64'],
  ['2001:DB8:0:0:ffff::2', '2001:db8::/64'],
  ['2001:db8:0:1::2', '2001:db8:0:1::/64'],
  ['2001:db8:0:1::/64', '2001:db8:0:1::/64'],
  ['fe80::1%eth0', 'fe80::/64'],
  ['::1', '::/64'],
])('%s counts as %s', (address, network) => {
  expect(clientNetwork(address)).toBe(network);
});

test.each(['', 'localhost', '1.2.3.4.5', '2001:db8::/32', '1.2.3.4/24', "' or 1=1"])(
  '%j is no address',
  (address) => {
    expect(clientNetwork(address)).toBeUndefined();
  },
);
