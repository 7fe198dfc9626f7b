import pixelmatch from 'pixelmatch';
import { PNG } from 'pngjs';

/** How far a pixel may be from the other, from 0 to 1, by how eyes tell colours apart; edges that are smoothed differently are none. */
const THRESHOLD = 0.1;

/** Compares two pictures. */
export function comparePictures(kept, taken) {
  const [before, after] = [PNG.sync.read(kept), PNG.sync.read(taken)];
  const { width, height } = after;
  if (before.width !== width || before.height !== height) {
    return {
      differing: Number.POSITIVE_INFINITY,
      because: `it is ${width} × ${height} pixels, not ${before.width} × ${before.height}`,
    };
  }
  const shown = new PNG({ width, height });
  const differing = pixelmatch(before.data, after.data, shown.data, width, height, { threshold: THRESHOLD });
  return { differing, because: `${differing} pixels differ`, picture: PNG.sync.write(shown) };
}
