import { describe, expect, test } from 'vitest';
import { ENGINES } from './engines.ts';

const HERE = '192.0.2.1';
const both = { username: 'alice', ip: HERE };
const limit = { limit: 2, windowMs: 60_000, lockoutMs: 600_000 };

describe.each(ENGINES)('on $name', ({ open, uri, pass }) => {
  test('failures are counted for a name, an address and both apart, by all gateways together', async () => {
    const place = await uri();
    const [one, other] = [(await open(place)).throttles, (await open(place)).throttles];
    const counted = [both, { username: 'alice', ip: undefined }, { username: undefined, ip: HERE }];
    await one.add(counted.map((each) => ({ ...each, ...limit })));
    await other.add([{ ...both, ...limit }]);
    const found = await one.of([...counted, { username: 'bob', ip: HERE }]);
    expect(found.map(({ username, ip, failures }) => [username, ip, failures])).toEqual(
      expect.arrayContaining([
        ['alice', HERE, 2],
        ['alice', undefined, 1],
        [undefined, HERE, 1],
      ]),
    );
    expect(found).toHaveLength(3);
  });

  test('a failure counts until the window ends that the first one opened', async () => {
    const place = await uri();
    const { throttles } = await open(place);
    await throttles.add([{ ...both, ...limit, limit: 9 }]);
    await pass(place, 59_000);
    await throttles.add([{ ...both, ...limit, limit: 9 }]);
    expect(await throttles.of([both])).toMatchObject([{ failures: 2 }]);
    await pass(place, 1_000);
    expect(await throttles.of([both])).toEqual([]);
    await throttles.add([{ ...both, ...limit, limit: 9 }]);
    expect(await throttles.of([both])).toMatchObject([{ failures: 1 }]);
  });

  test('what reaches its limit is locked for as long as a lockout is', async () => {
    const place = await uri();
    const { throttles } = await open(place);
    await throttles.add([{ ...both, ...limit }]);
    await throttles.add([{ ...both, ...limit }]);
    await pass(place, 599_000);
    expect(await throttles.of([both])).toMatchObject([{ failures: 2 }]);
    await pass(place, 1_000);
    expect(await throttles.of([both])).toEqual([]);
  });

  test('the time of a gateway whose clock is wrong counts nowhere', async () => {
    const place = await uri();
    const { throttles } = await open(place);
    await throttles.add([{ ...both, ...limit }]);
    const [{ until = 0 } = {}] = await throttles.of([both]);
    // The clock of the store begins in 1970.
    expect(until).toBeLessThan(100_000);
  });

  describe('what is locked', () => {
    test('is listed in a fixed order, page by page', async () => {
      const { throttles } = await open();
      const names = ['Zoe', 'alice', 'bob', 'éva'];
      for (const username of names) {
        await throttles.add([{ username, ip: HERE, ...limit, limit: 1 }]);
      }
      const limits = { pair: 1, single: 3 };
      const first = await throttles.locked(limits, { after: undefined, max: 3 });
      expect(first.map(({ username }) => username)).toEqual(['Zoe', 'alice', 'bob']);
      const rest = await throttles.locked(limits, { after: { username: 'bob', ip: HERE }, max: 3 });
      expect(rest.map(({ username }) => username)).toEqual(['éva']);
      expect(await throttles.locked({ pair: 2, single: 3 }, { after: undefined, max: 3 })).toEqual([]);
    });

    test.each([
      ['one count', 'forget', both, 2],
      ['a name, from anywhere', 'clear', { username: 'alice' }, 1],
      ['an address, of anybody', 'clear', { ip: HERE }, 1],
    ] as const)('is lifted for %s', async (_, verb, which, left) => {
      const { throttles } = await open();
      const counted = [both, { username: 'alice', ip: undefined }, { username: undefined, ip: HERE }];
      await throttles.add(counted.map((each) => ({ ...each, ...limit })));
      if (verb === 'forget') {
        await throttles.forget(which);
      } else {
        await throttles.clear(which);
      }
      expect(await throttles.of(counted)).toHaveLength(left);
    });
  });
});
