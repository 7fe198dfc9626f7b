import { PassThrough, type Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { denied, unavailable } from '../../../src/errors.ts';
import { createUploads } from '../../../src/gateway/forward/uploads.ts';
import { createChanges } from '../../../src/store/changes.ts';
import type { FeedAnswer } from '../../../src/store/engine.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A body that is under way, with a change feed that has to be asked for its answer, as that of a server has. */
function underWay(answer: () => Promise<FeedAnswer>) {
  const changes = createChanges({ followFeed: () => ({ newest: async () => 7, from: answer }) });
  const mayStill = vi.fn(async (): Promise<void> => {});
  const request = { headers: {}, raw: new PassThrough() } as unknown as FastifyRequest;
  const body: Readable = createUploads(changes, mayStill)(request);
  body.on('error', () => undefined);
  onTestFinished(() => void body.destroy());
  return { body, mayStill };
}

const seconds = (count: number) => vi.advanceTimersByTimeAsync(count * 1000);

test('while nothing changes, nobody is asked', async () => {
  const { mayStill } = underWay(async () => [{ id: 7, user_id: 1 }]);
  await seconds(5);
  expect(mayStill).not.toHaveBeenCalled();
});

test('a sender who has lost the right is broken off', async () => {
  let rows = [{ id: 7, user_id: 1 }];
  const { body, mayStill } = underWay(async () => rows);
  mayStill.mockRejectedValue(denied('no more'));
  await seconds(2);
  expect(body.destroyed).toBe(false);
  rows = [...rows, { id: 8, user_id: 4711 }];
  await seconds(2);
  expect(body.destroyed).toBe(true);
});

test('a store that is away breaks nothing off, and is asked again', async () => {
  let isAway = true;
  const { body, mayStill } = underWay(async () => {
    if (isAway) {
      throw unavailable('The store gave no answer.', new Error('away'));
    }
    return [
      { id: 7, user_id: 1 },
      { id: 8, user_id: 4711 },
    ];
  });
  await seconds(3);
  expect(body.destroyed).toBe(false);
  expect(mayStill).not.toHaveBeenCalled();
  isAway = false;
  await seconds(2);
  expect(mayStill).toHaveBeenCalled();
});
