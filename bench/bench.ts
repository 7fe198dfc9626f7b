import type { Load } from './children.ts';

/** What every part of the benchmark is given. */
export interface Bench {
  readonly load: Load;
  /** A directory of this run, removed at its end. */
  readonly dir: string;
  /** Fewer rounds and smaller stores, for a look in two minutes. */
  readonly quick: boolean;
  /** Adds a sentence to the result. */
  readonly note: (sentence: string) => void;
}
