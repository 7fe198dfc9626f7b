import { describe, expect, test } from 'vitest';
import type { IntentAction } from '../../src/store/types.ts';
import { ENGINES } from './engines.ts';
import { addUser } from './temporary.ts';

describe.each(ENGINES)('on $name', ({ open, uri }) => {
  test('intents outlive the process that opened them and the user who meant them', async () => {
    const place = await uri();
    const before = await open(place);
    const { id: userId } = await addUser(before, 'alice');
    const actions: IntentAction[] = [
      { action: 'create', kind: 'experiment', name: 'a' },
      { action: 'rename', kind: 'registered_model', name: 'a', newName: 'b' },
      { action: 'delete', kind: 'registered_model', name: 'b' },
    ];
    const opened = [];
    for (const action of actions) {
      opened.push(await before.intents.open(action, userId));
    }
    await before.users.remove(userId);
    await before.close();

    const after = await open(place);
    expect(await after.intents.list()).toMatchObject(opened);
    expect(opened.map(({ createdAt }) => createdAt).toSorted((a, b) => a - b)).toEqual(
      opened.map(({ createdAt }) => createdAt),
    );
  });

  test('an intent closes once, and its id does not come back', async () => {
    const { intents } = await open();
    const first = await intents.open({ action: 'create', kind: 'experiment', name: 'a' }, 1);
    await intents.close(first.id);
    await intents.close(first.id);
    expect(await intents.list()).toEqual([]);
    const second = await intents.open({ action: 'create', kind: 'experiment', name: 'a' }, 1);
    expect(second.id).toBeGreaterThan(first.id);
  });
});
