import { describe, expect, test } from 'vitest';
import { createEndOfTurn } from '../../src/gateway/end-of-turn.ts';

const turn = () => new Promise(setImmediate);

describe('what waits for the end of a turn', () => {
  test('is done in no turn before, and once', async () => {
    const endOfTurn = createEndOfTurn();
    const done: string[] = [];
    endOfTurn.at('arrivals', () => done.push('one'));
    await Promise.resolve();
    expect(done).toEqual([]);
    await turn();
    await turn();
    expect(done).toEqual(['one']);
  });

  test('is done kind by kind, each in the order in which it came, with nothing in between', async () => {
    const endOfTurn = createEndOfTurn();
    const done: string[] = [];
    const note = (what: string) => () => {
      done.push(what);
      queueMicrotask(() => done.push('in between'));
    };
    endOfTurn.at('ended', note('ended 1'));
    endOfTurn.at('arrivals', note('arrived 1'));
    endOfTurn.at('answers', note('answered 1'));
    endOfTurn.at('arrivals', note('arrived 2'));
    endOfTurn.at('ended', note('ended 2'));
    await turn();
    expect(done.slice(0, 5)).toEqual(['answered 1', 'arrived 1', 'arrived 2', 'ended 1', 'ended 2']);
  });

  test('waits for the next if it comes up at the end of one', async () => {
    const endOfTurn = createEndOfTurn();
    const done: string[] = [];
    endOfTurn.at('ended', () => {
      done.push('first');
      endOfTurn.at('answers', () => done.push('second'));
    });
    await turn();
    expect(done).toEqual(['first']);
    await turn();
    expect(done).toEqual(['first', 'second']);
  });

  test('is done all the same where something before it fails, which is told as any failure is', async () => {
    const endOfTurn = createEndOfTurn();
    const done: string[] = [];
    const told = new Promise((tell) => {
      const others = process.rawListeners('uncaughtException') as NodeJS.UncaughtExceptionListener[];
      process.removeAllListeners('uncaughtException');
      process.once('uncaughtException', (error) => {
        for (const listener of others) {
          process.on('uncaughtException', listener);
        }
        tell(error);
      });
    });
    endOfTurn.at('ended', () => {
      throw new Error('of the first');
    });
    endOfTurn.at('ended', () => done.push('second'));
    expect(await told).toEqual(new Error('of the first'));
    expect(done).toEqual(['second']);
  });
});
