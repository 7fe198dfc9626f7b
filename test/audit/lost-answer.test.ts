import { describe, expect, onTestFinished, test } from 'vitest';
import { createRecorder } from '../../src/audit/recorder.ts';
import { type Audit, segmentsOf } from '../../src/store/audit/index.ts';
import { entry } from '../store/audit-entry.ts';
import { ENGINES } from '../store/engines.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

describe.each(ENGINES)('on $name, where segments were kept and the answer was lost', ({ open }) => {
  /** A recorder whose first answer is lost, after something else has happened. */
  async function recorder(meanwhile: (audit: Audit) => Promise<unknown>) {
    const { audit } = await open();
    const warnings: unknown[] = [];
    let isLost = false;
    const made = createRecorder({
      audit: {
        ...audit,
        async addSegments(segments) {
          await audit.addSegments(segments);
          if (!isLost) {
            isLost = true;
            await meanwhile(audit);
            throw new Error('the connection was cut');
          }
        },
      },
      log: { warn: (about: unknown) => void warnings.push(about), error: () => undefined },
      keepDays: 1,
      clock: () => 0,
    });
    onTestFinished(() => made.close());
    return { ...made, audit, warnings };
  }

  test.each([
    ['at once', async () => undefined],
    ['once they were put together with others', (audit: Audit) => audit.merge(2 * HOUR, 10)],
  ])('each entry is there once, %s', async (_, meanwhile) => {
    const { record, flush, audit, warnings } = await recorder(meanwhile);
    const entries = Array.from({ length: 300 }, (__, at) => entry(HOUR + at));
    await audit.add(entries.slice(0, 1));
    for (const each of entries.slice(1, 299)) {
      record(each);
    }
    await flush();
    await flush();
    record(entries[299] ?? entry(0));
    await flush();
    expect(warnings).toHaveLength(1);
    for (const filter of [{}, { username: 'alice' }]) {
      expect(await audit.search(filter, 1000)).toEqual(entries.toReversed());
    }
    await audit.merge(2 * HOUR, 10);
    expect(await audit.search({}, 1000)).toEqual(entries.toReversed());
    await audit.prune(DAY, 10);
    expect(await audit.search({}, 1000)).toEqual([]);
  });

  test('what is there in part is made complete', async () => {
    const { audit } = await open();
    const entries = Array.from({ length: 5 }, (_, at) => entry(HOUR + at));
    await audit.add(entries.slice(1, 3));
    await audit.addMissing(segmentsOf(entries));
    await audit.addMissing(segmentsOf(entries));
    expect(await audit.search({}, 10)).toEqual(entries.toReversed());
  });
});
