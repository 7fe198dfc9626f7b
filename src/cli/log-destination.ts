import { type DestinationStream, pino } from 'pino';

/** Characters of log lines that are written out together. */
const BLOCK_LENGTH = 16_384;
const LONGEST_WAIT_MS = 1000;

/**
 * Takes log lines, and writes them out in blocks: a write costs more than all the rest of a line. What has come
 * together is written every second, when it is flushed, and when the process ends by whatever but SIGKILL.
 *
 * Not by pino's own `minLength`, for which all that waits is measured anew with each line.
 */
export function logDestination(
  options: Parameters<typeof pino.destination>[0] & object,
): DestinationStream & { flush(done: () => void): void } {
  let block = '';
  const pass = () => {
    if (block === '') {
      return;
    }
    out.write(block);
    block = '';
  };
  // Before the listeners of pino's own, which end the destination.
  process.once('beforeExit', pass);
  process.once('exit', pass);
  const out = pino.destination({ ...options, minLength: 1 });
  setInterval(pass, LONGEST_WAIT_MS).unref();
  return {
    write(line) {
      block += line;
      if (block.length >= BLOCK_LENGTH) {
        pass();
      }
    },
    flush(done) {
      pass();
      out.flush(done);
    },
  };
}
