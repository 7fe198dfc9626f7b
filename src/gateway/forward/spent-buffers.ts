import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes that may pass before the buffers they came in are collected. */
const COLLECT_EVERY = 4 * 1024 * 1024;

const collect = collector();
let spent = 0;

/**
 * Notes that a buffer has been passed on. Each read of a socket makes a new one, and V8, which counts little of what
 * lies outside its heap, would let some 64 MB of them come together, and then collect everything there is. To
 * collect the young now and then takes less memory, and less time too, as the same pages are used again.
 */
export function passedOn(bytes: number): void {
  spent += bytes;
  if (spent < COLLECT_EVERY) {
    return;
  }
  spent = 0;
  collect({ type: 'minor' });
}

/** V8's own, which Node keeps from programs unless a flag is set; only contexts that are made meanwhile have it. */
function collector(): (options: { readonly type: 'minor' }) => void {
  setFlagsFromString('--expose-gc');
  const gc: unknown = runInNewContext('gc');
  setFlagsFromString('--no-expose-gc');
  return typeof gc === 'function' ? (gc as ReturnType<typeof collector>) : () => {};
}
