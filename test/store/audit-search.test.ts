import type { KyselyPlugin } from 'kysely';
import { describe, expect, onTestFinished, test } from 'vitest';
import { SEGMENT_SIZE } from '../../src/store/audit/index.ts';
import { search } from '../../src/store/audit/search.ts';
import { openDatabase } from '../../src/store/database.ts';
import { entry } from './audit-entry.ts';
import { ENGINES } from './engines.ts';

const HOUR = 3_600_000;

describe.each(ENGINES)('on $name', ({ open, uri, clock }) => {
  test.each([
    ['they were found, before they are read', SEGMENT_SIZE + 44, 1],
    ['five hundred were read, before the next are found', SEGMENT_SIZE + 8, 33],
  ])('segments that are put together when %s lose no entry and repeat none', async (_, count, queries) => {
    const place = await uri();
    const store = await open(place);
    const entries = Array.from({ length: count }, (_, second) => entry(HOUR + second * 1000));
    await store.atOnce(async ({ audit }) => {
      for (const each of entries) {
        await audit.add([each]);
      }
    });
    const database = await openDatabase(place, { clock: clock(place) });
    onTestFinished(() => database.close());
    let answered = 0;
    const plugin: KyselyPlugin = {
      transformQuery: ({ node }) => node,
      async transformResult({ result }) {
        answered += 1;
        if (answered === queries) {
          expect(await store.audit.merge(2 * HOUR, 10)).toBe(2);
        }
        return result;
      },
    };
    const found = await search(database.reads.withPlugin(plugin), {}, 1000);
    expect(answered).toBeGreaterThan(queries);
    expect(found).toEqual(entries.toReversed());
  });
});
