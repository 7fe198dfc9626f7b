import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/**
 * Room for young objects, with the copy that a collection needs: what `--max-semi-space-size=8` gives. With half of it a
 * request takes a tenth more of CPU, with twice as much none less.
 */
const ENOUGH_BYTES = 16 * 1024 * 1024;

/**
 * Has V8 keep its heap as a server needs it that works in bursts. What is set here V8 reads each time that it counts.
 *
 * - The room for young objects is bounded. V8 doubles it under load, up to 128 MB, and keeps it for as long as there is any
 *   load: memory of a gateway that serves nothing faster for it. The bound itself must stand on the command line, so it is
 *   the growing that ends; to load the program has taken 64 MB by then. At rest V8 makes the room small, from where it may
 *   grow again.
 * - All objects are collected when there are twice as many as outlived the last time. V8 reckons by how fast they come: after a
 *   rest it has room for 8 MB more, which the buffers of a few uploads fill, and then it collects 40 MB of what is alive
 *   every 100 ms, for 50 ms each.
 * - A rest does not cost what has been compiled. V8 collects at rest, and to save memory it drops the shapes of objects none
 *   of which is alive, and with them some 200 functions compiled for these: the next burst cost twice as much for a second. It
 *   does so once, when it also gives back what a start took.
 */
export function tuneHeap(): void {
  setFlagsFromString('--heap-growing-percent=100');
  let mayGrow = true;
  const bound = () => {
    const isSmall = roomForYoungObjects() < ENOUGH_BYTES;
    if (isSmall === mayGrow) {
      return;
    }
    mayGrow = isSmall;
    setFlagsFromString(`--semi-space-growth-factor=${mayGrow ? 2 : 1}`);
    if (isSmall) {
      // It had grown: this was a rest.
      setFlagsFromString('--no-memory-reducer-favors-memory');
    }
  };
  // After each collection, one of which some hundred requests need: it costs 15 microseconds.
  new PerformanceObserver(bound).observe({ entryTypes: ['gc'] });
  bound();
}

/** Bytes that V8 holds for young objects. */
export function roomForYoungObjects(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? 0;
}
