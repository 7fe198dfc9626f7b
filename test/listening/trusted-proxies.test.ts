import { pino } from 'pino';
import { afterEach, expect, test, vi } from 'vitest';
import { createTrustedProxies, type TrustedProxies } from '../../src/listening/trusted-proxies.ts';

let proxies: TrustedProxies | undefined;

afterEach(() => {
  vi.useRealTimers();
  proxies?.stop();
});

async function trusting(entries: readonly string[], resolve?: (host: string) => Promise<readonly string[]>) {
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => lines.push(JSON.parse(line).msg) });
  proxies = createTrustedProxies({ entries, log, ...(resolve && { resolve }) });
  await proxies.refresh();
  return { proxies, lines };
}

test.each([
  ['10.0.0.7', ['10.0.0.7', '::ffff:10.0.0.7'], ['10.0.0.8', '::1']],
  ['192.168.0.0/16', ['192.168.3.4', '::ffff:192.168.3.4'], ['192.169.0.1']],
  ['fd00::/8', ['fd12::1'], ['fe80::1', '127.0.0.1']],
  ['loopback', ['127.0.0.1', '127.9.9.9', '::1'], ['10.0.0.1', '::2']],
  ['linklocal', ['169.254.1.1', 'fe80::1'], ['127.0.0.1']],
  ['uniquelocal', ['10.1.1.1', '172.31.0.1', '192.168.0.1', 'fd00::1'], ['172.32.0.1', '8.8.8.8', '::1']],
])('%s is trusted, and nothing else', async (entry, inside, outside) => {
  const { proxies } = await trusting([entry]);
  expect(inside.filter((address) => !proxies.trusts(address))).toEqual([]);
  expect([...outside, '', 'unknown'].filter((address) => proxies.trusts(address))).toEqual([]);
});

test('a host is trusted by the addresses that its name leads to', async () => {
  const { proxies } = await trusting(['localhost']);
  expect(proxies.trusts('127.0.0.1')).toBe(true);
  expect(proxies.trusts('127.0.0.2')).toBe(false);
});

test('a host that comes later, moves or goes is followed, and a name that leads nowhere trusts nobody', async () => {
  vi.useFakeTimers();
  let address: string | undefined;
  const resolve = async () => {
    if (address === undefined) {
      throw new Error('ENOTFOUND');
    }
    return [address];
  };
  const { proxies, lines } = await trusting(['caddy'], resolve);
  expect(lines).toEqual(['a trusted proxy has no address yet: its headers are not believed']);
  address = '172.18.0.5';
  await vi.advanceTimersByTimeAsync(10_000);
  expect(proxies.trusts('172.18.0.5')).toBe(true);
  address = '172.18.0.6';
  await vi.advanceTimersByTimeAsync(10_000);
  expect([proxies.trusts('172.18.0.5'), proxies.trusts('172.18.0.6')]).toEqual([false, true]);
  address = undefined;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(proxies.trusts('172.18.0.6')).toBe(false);
});
