import ipaddr from 'ipaddr.js';

/** Bits of an IPv6 address that a subscriber is given: the rest is theirs to make up (RFC 6177). */
const IPV6_NETWORK_BITS = 64;

/**
 * What failed sign-ins from an address are counted by: an IPv4 address, however it is written, or the network of an
 * IPv6 address, such as `2001:db8:0:1::/64`.
 *
 * @param address - an address, or such a network.
 * @returns undefined for anything else.
 */
export function clientNetwork(address: string): string | undefined {
  const suffix = `/${IPV6_NETWORK_BITS}`;
  const bare = address.endsWith(suffix) ? address.slice(0, -suffix.length) : address;
  // A zone is of this machine: `fe80::1%eth0`.
  const [unzoned = ''] = bare.split('%', 1);
  if (!ipaddr.isValid(unzoned)) {
    return undefined;
  }
  // `::ffff:192.0.2.1` is how a socket for both families shows an IPv4 address (RFC 4291, 2.5.5.2).
  const parsed = ipaddr.process(unzoned);
  return parsed.kind() === 'ipv4'
    ? parsed.toString()
    : `${ipaddr.IPv6.networkAddressFromCIDR(`${parsed.toString()}${suffix}`).toString()}${suffix}`;
}
