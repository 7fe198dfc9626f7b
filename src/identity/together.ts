/** How long after one question the next is asked, in milliseconds, and about how much at most. */
const PAUSE_MS = 20;
const MOST = 500;

interface Waiting<Found> {
  take(found: Found | undefined): void;
  fail(error: unknown): void;
}

/**
 * Puts questions together: one is asked at a time, about all that was waited for, and no more than one every few
 * milliseconds. Who comes in large numbers with secrets that nobody has costs the store no more for that. Nothing is
 * remembered: each question is begun after what it is about has come, so that what was made a moment before, by whomever,
 * is found.
 *
 * @param ask - answers those that are there.
 */
export function together<Found>(
  ask: (keys: readonly string[]) => Promise<ReadonlyMap<string, Found>>,
): (key: string) => Promise<Found | undefined> {
  const waiting = new Map<string, Waiting<Found>[]>();
  let isBusy = false;

  async function askNext(): Promise<void> {
    const batch = [...waiting].slice(0, MOST);
    isBusy = batch.length > 0;
    if (!isBusy) {
      return;
    }
    for (const [key] of batch) {
      waiting.delete(key);
    }
    try {
      const found = await ask(batch.map(([key]) => key));
      for (const [key, those] of batch) {
        those.forEach(({ take }) => void take(found.get(key)));
      }
    } catch (error) {
      batch.flatMap(([, those]) => those).forEach(({ fail }) => void fail(error));
    }
    setTimeout(askNext, PAUSE_MS);
  }

  return (key) =>
    new Promise((take, fail) => {
      waiting.set(key, [...(waiting.get(key) ?? []), { take, fail }]);
      if (!isBusy) {
        void askNext();
      }
    });
}
