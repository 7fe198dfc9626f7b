import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import type { FastifyBaseLogger } from 'fastify';

/** Names for networks that nobody on the internet has an address in, as other proxies use them. */
export const NETWORK_NAMES: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
};

/** Peers whose `X-Forwarded-*` headers are believed. */
export interface TrustedProxies {
  trusts(address: string): boolean;
  /** Looks the names of hosts up again. Never rejects. */
  refresh(): Promise<void>;
  stop(): void;
}

export interface TrustedProxiesOptions {
  /** Addresses, networks, names of {@link NETWORK_NAMES} and names of hosts. */
  readonly entries: readonly string[];
  readonly log: FastifyBaseLogger;
  /** The addresses of a host; rejects if it has none. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
}

/** A container that is made anew has another address. */
const REFRESH_MS = 10_000;

/**
 * Knows the proxies by their addresses. A host is trusted by those that its name led to when it was last looked up; one
 * that has none is not trusted.
 */
export function createTrustedProxies({
  entries,
  log,
  resolve = addressesOf,
}: TrustedProxiesOptions): TrustedProxies {
  const fixed = entries.filter((entry) => !isHost(entry)).flatMap((entry) => NETWORK_NAMES[entry] ?? [entry]);
  const hosts = entries.filter(isHost);
  const unknown = new Set<string>();
  let trusted = listOf(fixed);

  async function addresses(host: string): Promise<readonly string[]> {
    try {
      const found = await resolve(host);
      if (unknown.delete(host)) {
        log.info({ host }, 'the trusted proxy has an address now');
      }
      return found;
    } catch (error) {
      if (!unknown.has(host)) {
        log.warn({ host, err: error }, 'a trusted proxy has no address yet: its headers are not believed');
      }
      unknown.add(host);
      return [];
    }
  }

  async function refresh(): Promise<void> {
    const found = await Promise.all(hosts.map(addresses));
    trusted = listOf([...fixed, ...found.flat()]);
  }

  const timer = hosts.length === 0 ? undefined : setInterval(() => void refresh(), REFRESH_MS);
  timer?.unref();
  return {
    trusts: (address) => trusted.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4'),
    refresh,
    stop: () => clearInterval(timer),
  };
}

/** Whether an entry is the name of a host: what is no address, network or name of one. */
export function isHost(entry: string): boolean {
  return !entry.includes('/') && isIP(entry) === 0 && !Object.hasOwn(NETWORK_NAMES, entry);
}

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (bits === undefined) {
      list.addAddress(address, family);
    } else {
      list.addSubnet(address, Number(bits), family);
    }
  }
  return list;
}

async function addressesOf(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}
