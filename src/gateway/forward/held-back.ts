import { Readable } from 'node:stream';

/**
 * A body on its way whose end is held back until it has been allowed.
 *
 * @param length - bytes that were announced: the last of them are held back too, as they are the end.
 * @param mayEnd - asked when all of the source has come; what it throws breaks the body off.
 */
export function heldBack(
  source: Readable,
  length: number | undefined,
  mayEnd: () => Promise<void>,
): Readable {
  let come = 0;
  let last: Buffer | undefined;
  const body = new Readable({
    read() {
      source.resume();
    },
    destroy(error, done) {
      source.off('data', take);
      source.pause();
      done(error);
    },
  });

  function take(chunk: Buffer): void {
    come += chunk.byteLength;
    if (come === length) {
      last = chunk;
    } else if (!body.push(chunk)) {
      source.pause();
    }
  }

  function end(): void {
    if (body.destroyed) {
      return;
    }
    if (last !== undefined) {
      body.push(last);
    }
    body.push(null);
  }

  const breakOff = (error: Error) => body.destroy(error);
  source.pause();
  source.on('data', take);
  source.once('end', () => mayEnd().then(end, breakOff));
  source.once('error', breakOff);
  return body;
}
