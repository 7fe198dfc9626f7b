import { expect, test } from 'vitest';
import { createUses } from '../../src/identity/uses.ts';
import { addUser, open } from '../store/temporary.ts';

const MINUTE = 60_000;

async function start() {
  const store = await open();
  const { id: userId } = await addUser(store, 'alice');
  for (const id of ['one', 'two']) {
    const kept = { hash: id, prefix: id, name: id, createdBy: 'alice' };
    await store.tokens.create({ ...kept, id, userId, ceiling: undefined, lifeMs: undefined });
  }
  const clock = { now: 1_000 };
  const writes: (readonly string[])[] = [];
  const tokens = {
    noteUse(uses: ReadonlyMap<string, number>, everyMs: number) {
      writes.push([...uses.keys()]);
      return store.tokens.noteUse(uses, everyMs);
    },
  };
  const make = () =>
    createUses({ write: tokens.noteUse, what: 'tokens', log: { warn: () => {} }, clock: () => clock.now });
  const usedAt = async (id: string) => (await store.tokens.get(id))?.lastUsedAt;
  return { make, clock, writes, usedAt };
}

test('many uses are one write, and the next comes a minute later at the soonest', async () => {
  const { make, clock, writes, usedAt } = await start();
  const uses = make();
  for (let index = 0; index < 100; index += 1) {
    uses.note('one');
    uses.note('two');
  }
  expect(writes).toEqual([]);
  await expect.poll(() => usedAt('two')).toBe(1_000);
  expect(writes).toEqual([['one', 'two']]);
  clock.now += MINUTE - 1;
  uses.note('one');
  clock.now += 1;
  uses.note('one');
  await expect.poll(() => usedAt('one')).toBe(1_000 + MINUTE);
  expect(writes).toEqual([['one', 'two'], ['one']]);
  await uses.close();
});

test('several gateways write no oftener together', async () => {
  const { make, clock, usedAt } = await start();
  const [one, other] = [make(), make()];
  one.note('one');
  await one.close();
  clock.now += 1_000;
  other.note('one');
  await other.close();
  expect(await usedAt('one')).toBe(1_000);
});

test('what was noted is written at the end, and nothing after it', async () => {
  const { make, usedAt, writes } = await start();
  const uses = make();
  uses.note('one');
  await uses.close();
  expect(await usedAt('one')).toBe(1_000);
  uses.note('two');
  await uses.close();
  expect(writes).toEqual([['one']]);
});
