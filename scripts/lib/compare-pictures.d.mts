/** What two pictures have come to. */
export interface Comparison {
  /** How many pixels differ that an eye would tell apart; infinitely many for pictures of another size. */
  readonly differing: number;
  /** What differs, in words. */
  readonly because: string;
  /** Where they differ, as PNG; undefined for pictures of another size. */
  readonly picture?: Buffer;
}

/**
 * Compares two pictures.
 *
 * @param kept - PNG.
 * @param taken - PNG.
 * @throws Error for what is no PNG.
 */
export function comparePictures(kept: Buffer, taken: Buffer): Comparison;
