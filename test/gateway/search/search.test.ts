import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Visibility } from '../../../src/gateway/judge/visibility.ts';
import type { Search } from '../../../src/gateway/search/asked.ts';
import { identityOf } from '../../../src/gateway/search/identity.ts';
import { createPageTokens } from '../../../src/gateway/search/page-token.ts';
import { searchVisible } from '../../../src/gateway/search/search.ts';
import type { OneByOne } from '../../../src/mlflow/table/row.ts';
import type { Answer, Exchange } from '../../../src/mlflow/upstream/upstream.ts';

const answerOf = (status: number, body: unknown): Answer => ({
  status,
  headers: {},
  bytes: Buffer.from(JSON.stringify(body)),
});

interface Asked {
  readonly filter: string;
  readonly size: number;
  readonly offset: number;
}

/** Parameters of a search as MLflow would read them. */
function paramsOf({ method, target, body }: Exchange): Record<string, unknown> {
  return method === 'GET'
    ? Object.fromEntries(new URL(target, 'http://x').searchParams)
    : JSON.parse(String(body ?? '{}'));
}

/**
 * Rows behind MLflow's paging: offset tokens, `id IN (…)` where it is understood, `name = '…'`, and a look-up by id
 * at /get. A row is called after its id.
 */
function searching(ids: readonly string[], pushesDown: boolean) {
  const asked: Asked[] = [];
  const rowOf = (id: string) => ({ id, name: `n${id}`, lifecycle_stage: 'active' });
  return {
    asked,
    async exchange(request: Exchange): Promise<Answer> {
      const params = paramsOf(request);
      if (request.target.startsWith('/get')) {
        const id = String(params['id']);
        asked.push({ filter: `/get ${id}`, size: 1, offset: 0 });
        return ids.includes(id) ? answerOf(200, { row: rowOf(id) }) : answerOf(404, {});
      }
      const size = Number(params['max_results'] ?? 100);
      const token = params['page_token'];
      const offset = token ? JSON.parse(Buffer.from(String(token), 'base64').toString()).offset : 0;
      const filter = String(params['filter'] ?? '');
      asked.push({ filter, size, offset });
      const [, list] = /^id IN \((.*?)\)/.exec(filter) ?? [];
      if (list !== undefined && !pushesDown) {
        return answerOf(400, { error_code: 'INVALID_PARAMETER_VALUE' });
      }
      if (filter.includes('broken')) {
        return answerOf(400, { error_code: 'INVALID_PARAMETER_VALUE' });
      }
      const [, name] = /^name = 'n(\d+)'/.exec(filter) ?? [];
      const wanted = name === undefined ? list?.split(',').map((id) => id.slice(1, -1)) : [name];
      const rows = wanted === undefined ? ids : ids.filter((id) => wanted.includes(id));
      const page = rows.slice(offset, offset + size).map((id) => ({ id }));
      const more = offset + size < rows.length;
      const next = Buffer.from(JSON.stringify({ offset: offset + size })).toString('base64');
      return answerOf(200, {
        ...(page.length > 0 && { rows: page }),
        ...(more && { next_page_token: next }),
      });
    },
  };
}

const tokens = createPageTokens(Buffer.alloc(32, 7));

const ONE_BY_ONE: OneByOne = {
  order: { keys: { id: { field: 'id', as: 'number' } }, byDefault: [['id', 'ASC']], ties: [] },
  lookUp: { target: '/get?id=', at: 'row' },
  worth: 10,
};

function searchOf(request: Exchange, pushesDown: boolean, userId = 1, oneByOne?: OneByOne): Search {
  return {
    workspace: 'default',
    identity: identityOf(
      { operation: undefined, workspace: undefined, query: new Map(), body: paramsOf(request) },
      userId,
    ),
    tokens,
    request,
    list: 'rows',
    id: 'id',
    listed: false,
    paging: { largestPage: 1000, defaultPage: 100, pushDown: 'id', ...(oneByOne && { oneByOne }) },
    pushesDown: async () => pushesDown,
    extent: { atLeast: 0 },
  };
}

const visible = (ids: readonly string[]): Visibility => {
  const readable = new Set(ids);
  return { mayRead: (id) => readable.has(id), only: ids, everything: false };
};
const visibleBut = (hidden: readonly string[]): Visibility => {
  const unreadable = new Set(hidden);
  return { mayRead: (id) => !unreadable.has(id), only: undefined, everything: false };
};

type Method = 'GET' | 'POST';

function requestOf(method: Method, params: Record<string, string | number>): Exchange {
  return method === 'GET'
    ? { method, target: `/s?${new URLSearchParams(params as Record<string, string>)}` }
    : { method, target: '/s', body: JSON.stringify(params) };
}

/** Follows the tokens to the end, as MLflow's clients do; answers the pages. */
async function walk(
  method: Method,
  upstream: ReturnType<typeof searching>,
  visibility: Visibility,
  size: number,
  pushesDown: boolean,
  oneByOne?: OneByOne,
): Promise<string[][]> {
  const pages: string[][] = [];
  const extent = { atLeast: 0 };
  let token: string | undefined;
  do {
    const request = requestOf(method, {
      max_results: size,
      ...(token !== undefined && { page_token: token }),
    });
    const search = { ...searchOf(request, pushesDown, 1, oneByOne), extent };
    const answer = await searchVisible(upstream, search, visibility);
    const page = JSON.parse(answer.bytes.toString());
    pages.push((page.rows ?? []).map(({ id }: { id: string }) => id));
    token = page.next_page_token;
  } while (token !== undefined && pages.length < 5000);
  return pages;
}

const numbered = (count: number) => Array.from({ length: count }, (_, index) => String(index));

describe('walking the pages of a search', () => {
  test('shows every readable row once and in order, in full pages, whatever may be read', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 2500 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.constantFrom(1, 3, 7, 100, 1000),
        fc.boolean(),
        fc.boolean(),
        fc.constantFrom(undefined, ONE_BY_ONE),
        fc.constantFrom<Method>('GET', 'POST'),
        fc.integer(),
        async (count, share, size, listed, pushesDown, oneByOne, method, seed) => {
          const ids = numbered(count);
          const fits = (id: string) => ((Number(id) * 2654435761 + seed) >>> 0) / 2 ** 32 < share;
          const readable = ids.filter(fits);
          // Page by page of one row, a long walk only repeats itself.
          fc.pre(readable.length / size < 60);
          const visibility = listed ? visible(readable) : visibleBut(ids.filter((id) => !fits(id)));
          const upstream = searching(ids, pushesDown);
          const pages = await walk(method, upstream, visibility, size, pushesDown, oneByOne);
          expect(pages.flat()).toEqual(readable);
          for (const page of pages.slice(0, -1)) {
            expect(page).toHaveLength(size);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  test.each([
    ['with push-down', true],
    ['without push-down', false],
  ])('5 readable of 2,000 cost a handful of upstream calls %s', async (_how, pushesDown) => {
    const upstream = searching(numbered(2000), pushesDown);
    const request = requestOf('POST', { max_results: 100 });
    const readable = ['3', '700', '701', '1500', '1999'];
    const answer = await searchVisible(upstream, searchOf(request, pushesDown), visible(readable));
    expect(JSON.parse(answer.bytes.toString()).rows.map(({ id }: { id: string }) => id)).toEqual(readable);
    expect(upstream.asked.length).toBeLessThanOrEqual(pushesDown ? 1 : 2);
  });

  describe('5 readable of 2,000 where the upstream takes no list of ids', () => {
    const readable = ['3', '700', '701', '1500', '1999'];
    // In no order, as grants are.
    const granted = ['1500', '3', '1999', '701', '700'];
    const size = 100;
    const ask = async (
      params: Record<string, string | number>,
      upstream = searching(numbered(2000), false),
    ) => {
      const search = searchOf(requestOf('POST', { max_results: size, ...params }), false, 1, ONE_BY_ONE);
      const asking = async () =>
        JSON.parse((await searchVisible(upstream, search, visible(granted))).bytes.toString());
      return { upstream, asking };
    };
    const idsOf = ({ rows = [] }: { rows?: { id: string }[] }) => rows.map(({ id }) => id);

    test('are asked for one by one, once it is known that there are many', async () => {
      const { upstream, asking } = await ask({});
      expect(idsOf(await asking())).toEqual(readable);
      // As many rows as five look-ups are worth, then the look-ups.
      expect(upstream.asked.map(({ size }) => size)).toEqual([50, 1, 1, 1, 1, 1]);
      upstream.asked.length = 0;
      expect(idsOf(await asking())).toEqual(readable);
      expect(upstream.asked.map(({ filter }) => filter)).toEqual(granted.map((id) => `/get ${id}`));
    });

    test.each(['GET', 'POST'] as const)('are paged by %s', async (method) => {
      const upstream = searching(numbered(2000), false);
      expect(await walk(method, upstream, visible(granted), 2, false, ONE_BY_ONE)).toEqual([
        ['3', '700'],
        ['701', '1500'],
        ['1999'],
      ]);
    });

    test('have the client’s filter asked of each by name', async () => {
      const { upstream, asking } = await ask({ filter: "tags.a = 'b'" });
      await asking();
      expect(
        upstream.asked.map(({ filter }) => filter).filter((filter) => filter.startsWith('name')),
      ).toEqual(granted.map((id) => `name = 'n${id}' AND tags.a = 'b'`));
    });

    test.each([
      ['an order that is not known', { order_by: 'tags.a' }],
      ['a view that is not known', { view_type: 'SOME' }],
      ['a filter that the upstream refuses', { filter: 'broken' }],
    ])('are left to the upstream with %s', async (_what, params) => {
      const { upstream, asking } = await ask(params);
      await asking();
      expect(upstream.asked.at(-1)?.filter).toBe('filter' in params ? 'broken' : '');
    });

    test('leave out what is gone, and what only looks like it', async () => {
      const upstream = searching(numbered(2000), false);
      const other = {
        asked: upstream.asked,
        async exchange(request: Exchange) {
          if (request.target === '/get?id=700') {
            return answerOf(404, {});
          }
          if (request.target === '/get?id=701') {
            return answerOf(200, { row: { id: '1500', name: 'n1500', lifecycle_stage: 'active' } });
          }
          return upstream.exchange(request);
        },
      };
      const { asking } = await ask({}, other);
      expect(idsOf(await asking())).toEqual(['3', '1500', '1999']);
    });

    test('tell on the next page what the upstream says, not that the token is bad', async () => {
      const upstream = searching(numbered(2000), false);
      const search = (params: Record<string, string | number>) =>
        searchOf(requestOf('POST', { max_results: 2, ...params }), false, 1, ONE_BY_ONE);
      const first = await searchVisible(upstream, search({}), visible(granted));
      const { next_page_token: page_token } = JSON.parse(first.bytes.toString());
      const down = { exchange: async () => answerOf(503, { error_code: 'TEMPORARILY_UNAVAILABLE' }) };
      const answer = await searchVisible(down, search({ page_token }), visible(granted));
      expect(answer.status).toBe(503);
    });
  });

  test('a caller who may read nothing gets an empty page for one upstream call', async () => {
    for (const pushesDown of [true, false]) {
      const upstream = searching(numbered(2000), pushesDown);
      const search = searchOf(requestOf('POST', { max_results: 100 }), pushesDown);
      const answer = await searchVisible(upstream, search, visible([]));
      expect(JSON.parse(answer.bytes.toString())).toEqual({});
      expect(upstream.asked).toHaveLength(1);
    }
  });

  describe('1,000 readable of 20,000', () => {
    const ids = numbered(20_000);
    const asking = async (readable: readonly string[], params: Record<string, string | number>) => {
      const upstream = searching(ids, true);
      const search = searchOf(requestOf('POST', { max_results: 10, ...params }), true);
      const answer = await searchVisible(upstream, search, visible(readable));
      const { rows, next_page_token: token } = JSON.parse(answer.bytes.toString());
      return { shown: rows.map(({ id }: { id: string }) => id), token, asked: upstream.asked };
    };
    const rowsOf = (asked: readonly Asked[]) => asked.reduce((sum, { size }) => sum + size, 0);
    const isClause = ({ filter }: Asked) => filter.startsWith('id IN');
    /** The page behind so many rows. */
    const pageBehind = async (readable: readonly string[], count: number) => {
      const { token } = await asking(readable, { max_results: count });
      return asking(readable, { page_token: token });
    };

    test('are met soon where one in twenty is readable, on each page, and are named in no filter', async () => {
      const readable = ids.filter((id) => Number(id) % 20 === 7);
      const first = await asking(readable, {});
      expect(first.shown).toEqual(readable.slice(0, 10));
      let later = first;
      for (let pages = 0; pages < 20; pages++) {
        later = await asking(readable, { page_token: later.token });
      }
      expect(later.shown).toEqual(readable.slice(200, 210));
      for (const { asked } of [first, later]) {
        expect(asked.some(isClause)).toBe(false);
        expect(asked.length).toBeLessThanOrEqual(3);
        expect(rowsOf(asked)).toBeLessThan(400);
      }
    });

    test('are named in a filter where they are not met soon, after no more rows than that costs', async () => {
      const readable = ids.slice(-1000);
      const { shown, token, asked } = await asking(readable, {});
      expect(shown).toEqual(readable.slice(0, 10));
      expect(asked.filter(isClause)).toHaveLength(1);
      expect(rowsOf(asked)).toBeLessThanOrEqual(520);
      const next = await asking(readable, { page_token: token });
      expect(next.shown).toEqual(readable.slice(10, 20));
      expect(next.asked.map(isClause)).toEqual([true]);
    });

    test('are named in a filter from the row on behind which the others are far away', async () => {
      const readable = [...ids.slice(0, 505), ...ids.slice(-495)];
      const { shown, token, asked } = await pageBehind(readable, 500);
      expect(shown).toEqual(readable.slice(500, 510));
      expect(rowsOf(asked)).toBeLessThanOrEqual(520);
      expect((await asking(readable, { page_token: token })).shown).toEqual(readable.slice(510, 520));
    });

    test('end without reading all that follows', async () => {
      const readable = ids.slice(0, 1000);
      const { shown, token, asked } = await pageBehind(readable, 995);
      expect([shown, token]).toEqual([readable.slice(995), undefined]);
      expect(rowsOf(asked)).toBeLessThanOrEqual(520);
    });
  });

  test('where all but a few are readable, little more is asked for than is shown', async () => {
    const upstream = searching(numbered(5000), false);
    const search = searchOf(requestOf('POST', { max_results: 10 }), false);
    const answer = await searchVisible(upstream, search, visibleBut(['3', '4']));
    expect(JSON.parse(answer.bytes.toString()).rows).toHaveLength(10);
    expect(upstream.asked.map(({ size }) => size)).toEqual([14]);
  });

  test('a search that finds nothing readable for very long ends its page with a token to go on', async () => {
    const endless = {
      async exchange(request: Exchange) {
        const { max_results: size, page_token: token } = paramsOf(request);
        const offset = token ? JSON.parse(Buffer.from(String(token), 'base64').toString()).offset : 0;
        const rows = Array.from({ length: Number(size) }, (_, index) => ({ id: String(offset + index) }));
        return answerOf(200, { rows, next_page_token: 'more' });
      },
    };
    const first = requestOf('POST', { max_results: 1 });
    const { bytes } = await searchVisible(endless, searchOf(first, false), visible(['60000']));
    const page = JSON.parse(bytes.toString());
    expect(page.rows).toBeUndefined();
    const next = requestOf('POST', { max_results: 1, page_token: page.next_page_token });
    const answer = await searchVisible(endless, searchOf(next, false), visible(['60000']));
    expect(JSON.parse(answer.bytes.toString()).rows).toEqual([{ id: '60000' }]);
  });
});

describe('the request that goes on', () => {
  test.each<Method>(['GET', 'POST'])(
    'has the client’s filter behind the gateway’s own: %s',
    async (method) => {
      const upstream = searching(numbered(10), true);
      const filter = "name LIKE '%a?b&c=d%'";
      await searchVisible(
        upstream,
        searchOf(requestOf(method, { max_results: 5, filter }), true),
        visible(['1', '2']),
      );
      expect(upstream.asked[0]?.filter).toBe(`id IN ('1','2') AND ${filter}`);
    },
  );

  test('has the client’s filter whole, with a question mark in it', async () => {
    const upstream = searching(numbered(10), true);
    const get = { method: 'GET', target: "/s?filter=name='a?b'&max_results=5" };
    await searchVisible(upstream, searchOf(get, true), visible(['1']));
    expect(upstream.asked[0]?.filter).toBe("id IN ('1') AND name='a?b'");
  });

  test('keeps every other parameter, repeated ones and large numbers too', async () => {
    const sent: Exchange[] = [];
    const upstream = {
      exchange: async (request: Exchange) => {
        sent.push(request);
        return answerOf(200, {});
      },
    };
    const get = { method: 'GET', target: '/s?order_by=a&order_by=b%20DESC&max_results=5&filter=x%3F' };
    await searchVisible(upstream, searchOf(get, false), visible(['1']));
    expect(new URL(sent[0]?.target ?? '', 'http://x').searchParams.getAll('order_by')).toEqual([
      'a',
      'b DESC',
    ]);
    const post = { method: 'POST', target: '/s', body: '{"max_results":5,"big":9223372036854775807}' };
    await searchVisible(upstream, searchOf(post, false), visible(['1']));
    expect(String(sent[1]?.body)).toContain('"big":9223372036854775807');
  });

  test('writes in whichever spelling the client chose', async () => {
    const sent: Exchange[] = [];
    const upstream = {
      exchange: async (request: Exchange) => {
        sent.push(request);
        return answerOf(200, {});
      },
    };
    const post = { method: 'POST', target: '/s', body: '{"maxResults":5,"pageToken":""}' };
    await searchVisible(upstream, searchOf(post, false), visible(['1']));
    expect(Object.keys(JSON.parse(String(sent[0]?.body)))).toEqual(expect.arrayContaining(['maxResults']));
    expect(String(sent[0]?.body)).not.toContain('max_results');
  });

  test.each([
    ['quotes', "o'brien"],
    ['double quotes', 'a"b'],
    ['a backslash', 'a\\b'],
    ['a percent sign', '100%'],
    ['letters beyond ASCII', 'modèle'],
  ])('names no id that holds %s in a filter, and shows it all the same', async (_what, id) => {
    const upstream = searching(['a', id, 'z'], true);
    const search = searchOf(requestOf('POST', { max_results: 5 }), true);
    const answer = await searchVisible(upstream, search, visible([id]));
    expect(JSON.parse(answer.bytes.toString()).rows).toEqual([{ id }]);
    expect(upstream.asked.map(({ filter }) => filter).join()).not.toContain(id);
  });

  test('names no more ids than a filter can hold', async () => {
    const ids = numbered(60_000);
    const upstream = searching(ids, true);
    const search = searchOf(requestOf('GET', { max_results: 5 }), true);
    const answer = await searchVisible(upstream, search, visible(ids.slice(0, 5000)));
    expect(JSON.parse(answer.bytes.toString()).rows).toHaveLength(5);
    expect(upstream.asked.every(({ filter }) => filter.length < 10_000)).toBe(true);
  });
});

describe('what the upstream refuses', () => {
  test.each([
    ['a filter it cannot read', { max_results: 5, filter: 'broken' }, 400],
    ['a page larger than it gives', { max_results: 100_000 }, 200],
    ['a page of a negative size', { max_results: -1 }, 200],
  ])('is the client’s to hear, in its words: %s', async (_what, params, status) => {
    for (const pushesDown of [true, false]) {
      const upstream = searching(numbered(10), pushesDown);
      const answer = await searchVisible(
        upstream,
        searchOf(requestOf('POST', params), pushesDown),
        visible(['1']),
      );
      expect(answer.status).toBe(status);
      // Whatever it answers, nothing unreadable is in it.
      for (const { id } of JSON.parse(answer.bytes.toString()).rows ?? []) {
        expect(id).toBe('1');
      }
    }
  });

  test('passes through with rows that are no list, and with bytes that are no JSON', async () => {
    for (const bytes of ['{"rows":"x"}', '{"error_code":"X"}']) {
      const upstream = { exchange: async () => ({ status: 500, headers: {}, bytes: Buffer.from(bytes) }) };
      const search = searchOf(requestOf('POST', { max_results: 5 }), false);
      expect((await searchVisible(upstream, search, visible(['1']))).bytes.toString()).toBe(bytes);
    }
  });
});

describe('a page token', () => {
  const pageOf = async (
    params: Record<string, string | number>,
    { pushesDown = false, readable = ['1', '4', '7'], userId = 1 } = {},
  ) => {
    const request = requestOf('POST', params);
    const search = searchOf(request, pushesDown, userId);
    const answer = await searchVisible(searching(numbered(10), pushesDown), search, visible(readable));
    return JSON.parse(answer.bytes.toString());
  };

  test('does not say how many hidden rows lie before it', async () => {
    const { next_page_token: near } = await pageOf({ max_results: 1 });
    const { next_page_token: far } = await pageOf({ max_results: 2 });
    expect(near).toMatch(/^[\w-]{80}$/);
    expect(far).toMatch(/^[\w-]{80}$/);
    expect(Buffer.from(near, 'base64').toString()).not.toContain('offset');
  });

  test.each([
    ['one page of the upstream’s', 1000],
    ['several', 9000],
  ])('is there only if another readable row is, whatever is hidden behind %s', async (_how, hidden) => {
    const own = numbered(1000).map((id) => `own${id}`);
    for (const wanted of [1, 999, 1000]) {
      const readable = own.slice(0, wanted);
      for (const ids of [readable, [...readable, 'hidden'], [...readable, ...numbered(hidden)]]) {
        const request = requestOf('POST', { max_results: wanted });
        const { bytes } = await searchVisible(
          searching(ids, false),
          searchOf(request, false),
          visible(readable),
        );
        expect(JSON.parse(bytes.toString()).rows).toHaveLength(wanted);
        expect(JSON.parse(bytes.toString()).next_page_token).toBeUndefined();
      }
    }
  });

  test('leads to the same rows whatever is hidden, also when one’s own are moved about meanwhile', async () => {
    const names = fc.uniqueArray(fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 5 }), {
      maxLength: 20,
    });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(1, 2, 3),
        names,
        names,
        names,
        names,
        async (wanted, before, after, hiddenBefore, hiddenAfter) => {
          /** The two pages, with rows in alphabetical order and some of another user's among them. */
          const pagesAmong = async (hidden: readonly (readonly string[])[]) => {
            const pageAmong = async (
              own: readonly string[],
              others: readonly string[] = [],
              token?: string,
            ) => {
              const mine = own.map((id) => `${id} mine`);
              const ids = [...mine, ...others.map((id) => `${id} hidden`)].sort();
              const params = { max_results: wanted, ...(token !== undefined && { page_token: token }) };
              const search = searchOf(requestOf('POST', params), false);
              const visibility = { ...visible(mine), only: undefined };
              return JSON.parse(
                (await searchVisible(searching(ids, false), search, visibility)).bytes.toString(),
              );
            };
            const first = await pageAmong(before, hidden[0]);
            if (first.next_page_token === undefined) {
              return [first.rows];
            }
            const second = await pageAmong(after, hidden[1], first.next_page_token);
            return [first.rows, second.rows, second.next_page_token === undefined];
          };
          expect(await pagesAmong([hiddenBefore, hiddenAfter])).toEqual(await pagesAmong([]));
        },
      ),
      { numRuns: 500 },
    );
  });

  test('goes on where it ended when other rows have come or gone, at the same place if its row has too', async () => {
    const nextOf = async (ids: readonly string[], token?: string) => {
      const params = { max_results: 2, ...(token !== undefined && { page_token: token }) };
      const search = searchOf(requestOf('POST', params), false);
      const visibility = visibleBut(['hidden']);
      const { bytes } = await searchVisible(searching(ids, false), search, visibility);
      const page = JSON.parse(bytes.toString());
      return [page.next_page_token, page.rows?.map(({ id }: { id: string }) => id)];
    };
    const [token] = await nextOf(['a', 'b', 'c', 'd', 'e']);
    expect(await nextOf(['new', 'a', 'b', 'c', 'd'], token)).toEqual([undefined, ['c', 'd']]);
    expect(await nextOf(['c', 'd'], token)).toEqual([undefined, ['c', 'd']]);
    expect(await nextOf(['a', 'hidden', 'b', 'd', 'e'], token)).toEqual([undefined, ['d', 'e']]);
    expect(await nextOf(['a'], token)).toEqual([undefined, undefined]);
  });

  const upstreams = (offset: unknown) => Buffer.from(JSON.stringify({ offset })).toString('base64');

  test.each([
    ['of the upstream’s kind', upstreams(1)],
    ['of the upstream’s kind, with text for a number', upstreams('1')],
    ['of the upstream’s kind, with a negative number', upstreams(-1)],
    ['of no kind', 'x'],
  ])('%s is refused', async (_kind, page_token) => {
    await expect(pageOf({ max_results: 1, page_token })).rejects.toMatchObject({ status: 400 });
  });

  test('made by another search is refused, whatever differs', async () => {
    const { next_page_token: page_token } = await pageOf({ max_results: 1, filter: 'a', order_by: 'b' });
    for (const other of [
      { filter: 'c', order_by: 'b' },
      { filter: 'a', order_by: 'c' },
      { filter: 'a' },
      { filter: 'a', order_by: 'b', view_type: 'ALL' },
    ]) {
      await expect(pageOf({ max_results: 1, ...other, page_token })).rejects.toMatchObject({ status: 400 });
    }
    const next = await pageOf({ order_by: 'b', page_token, filter: 'a', max_results: 5 });
    expect(next.rows).toEqual([{ id: '4' }, { id: '7' }]);
  });

  test('of another user, or changed, is refused', async () => {
    const { next_page_token: page_token } = await pageOf({ max_results: 1 });
    await expect(pageOf({ max_results: 1, page_token }, { userId: 2 })).rejects.toMatchObject({
      status: 400,
    });
    const changed = `${page_token.slice(0, 20)}${page_token[20] === 'A' ? 'B' : 'A'}${page_token.slice(21)}`;
    await expect(pageOf({ max_results: 1, page_token: changed })).rejects.toMatchObject({ status: 400 });
  });

  test('counted among the caller’s own rows never counts among everybody’s', async () => {
    const { next_page_token: page_token } = await pageOf({ max_results: 2 }, { pushesDown: true });
    const next = await pageOf({ max_results: 2, page_token }, { pushesDown: true });
    expect(next.rows).toEqual([{ id: '7' }]);
    // A name with a quote cannot be put into a filter: the caller has the choice.
    const readable = ['1', '4', '7', "x'y"];
    await expect(
      pageOf({ max_results: 2, page_token }, { pushesDown: true, readable }),
    ).rejects.toMatchObject({
      status: 400,
    });
  });

  test('goes on where it was counted among everybody’s rows, though they could be counted otherwise', async () => {
    const hidden = { pushesDown: true, readable: ['1', '4', '7', "x'y"] };
    const { next_page_token: page_token } = await pageOf({ max_results: 1 }, hidden);
    const next = await pageOf({ max_results: 5, page_token }, { pushesDown: true });
    expect(next.rows).toEqual([{ id: '4' }, { id: '7' }]);
  });
});
