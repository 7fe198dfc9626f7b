import type { FastifyBaseLogger } from 'fastify';
import {
  type ExperimentThere,
  experimentsFrom,
  experimentThere,
} from '../../mlflow/things/experiments-there.ts';
import type { Upstream } from '../../mlflow/upstream/upstream.ts';
import { isCounted, type Known, type Sighting } from '../../store/experiments.ts';
import type { Store } from '../../store/index.ts';

/** Which experiments there were when it was looked last. */
export interface Sightings {
  /**
   * Looks, and notes what has changed.
   *
   * @returns what kind of MLflow it is: one that counts its ids up, one that makes them up, or one that keeps files alone.
   * @throws ApiError 503 or 504 if MLflow does not say what it has.
   */
  look(): Promise<Kind>;
  /** When an experiment was made, by MLflow's clock; undefined if that is not known. */
  madeAt(id: number): number | undefined;
}

export type Kind = 'counts' | 'makes up' | 'keeps none';

export interface SightingsOptions {
  readonly store: Pick<Store, 'experiments'>;
  readonly upstream: Pick<Upstream, 'exchange'>;
  readonly log: FastifyBaseLogger;
  /** Told of each experiment that has lost its id. */
  readonly lost: (experimentId: string) => void;
}

/** Rows a page, from the first on: the newest experiment is nearly always one that is known. */
const PAGE_SIZES = [1, 50] as const;
const LARGEST_PAGE = 1_000;
/** Experiments that are noted in one transaction. */
const NOTED_AT_ONCE = 500;
/** MLflow makes it anew at its start, under the same id, wherever the others are. */
const DEFAULT_EXPERIMENT = 0;

/** What is there above the highest experiment that is known still, and the highest id of all. */
interface Newest {
  readonly found: readonly ExperimentThere[];
  readonly highest: number;
}

export function createSightings({ store, upstream, log, lost }: SightingsOptions): Sightings {
  let seen: Map<number, number> | undefined;

  async function look(): Promise<Kind> {
    seen ??= new Map((await store.experiments.list()).map(({ id, madeAt }) => [id, madeAt]));
    const stored = await store.experiments.known();
    for (const id of stored.unsure) {
      seen.delete(id);
    }
    const [newest, first] = await Promise.all([
      findNewest(upstream, seen, stored),
      seen.size > 0 ? experimentThere(upstream, DEFAULT_EXPERIMENT) : undefined,
    ]);
    if (typeof newest === 'string') {
      return newest;
    }
    await take(seen, stored, newest, first === undefined ? [] : [first]);
    return 'counts';
  }

  /** Notes what is new, the lowest first: if it is broken off, the next look reads down to where it ended. */
  async function take(
    known: Map<number, number>,
    stored: Known,
    { found, highest }: Newest,
    first: readonly ExperimentThere[],
  ): Promise<void> {
    // What has been noted at this very moment may not be in the answers.
    const askedAt = stored.now - 1;
    const news = [...first, ...found.toReversed()].filter(({ id, madeAt }) => known.get(id) !== madeAt);
    const gone = stored.unsure.filter((id) => found.every((each) => each.id !== id));
    if (gone.length > 0 || Math.max(stored.highest, highestOf(known.keys())) > highest) {
      await note(known, { askedAt, found: [], gone, highest });
    }
    for (let start = 0; start < news.length; start += NOTED_AT_ONCE) {
      const part = news.slice(start, start + NOTED_AT_ONCE);
      await note(known, { askedAt, found: part, gone: [], highest: undefined });
    }
  }

  async function note(known: Map<number, number>, sighting: Sighting): Promise<void> {
    const { found, highest = Number.POSITIVE_INFINITY } = sighting;
    const changed = await store.experiments.note(sighting);
    if (changed.length > 0) {
      const experiments = changed.map(({ id }) => id);
      log.info(
        { experiments },
        'other experiments have these ids now, or none: grants are on those they were on',
      );
    }
    const gone = [...known.keys()].filter((id) => id > highest);
    const replaced = found.filter(({ id }) => known.has(id)).map(({ id }) => id);
    for (const id of gone) {
      known.delete(id);
    }
    for (const { id, madeAt } of found) {
      known.set(id, madeAt);
    }
    for (const id of [...gone, ...replaced]) {
      lost(String(id));
    }
  }

  return { look, madeAt: (id) => seen?.get(id) };
}

/**
 * Reads from the newest down to one that is known: databases give out the id above the highest that there is, so that all
 * below it are what they were. Those that the gateway has had made since are read too.
 */
async function findNewest(
  upstream: Pick<Upstream, 'exchange'>,
  known: ReadonlyMap<number, number>,
  { unsure }: Known,
): Promise<Newest | Exclude<Kind, 'counts'>> {
  const lowest = Math.min(...unsure, Number.POSITIVE_INFINITY);
  const found: ExperimentThere[] = [];
  let token: string | undefined;
  for (let page = 0; ; page += 1) {
    const answer = await experimentsFrom(upstream, PAGE_SIZES[page] ?? LARGEST_PAGE, token);
    if (answer === undefined) {
      return 'keeps none';
    }
    const { rows, next } = answer;
    if (rows.some(({ id }) => !isCounted(id))) {
      return 'makes up';
    }
    const end = rows.findIndex(({ id, madeAt }) => known.get(id) === madeAt && id < lowest);
    found.push(...(end === -1 ? rows : rows.slice(0, end)));
    if (end !== -1 || next === undefined) {
      const highest = (found[0] ?? rows[end])?.id ?? -1;
      return (await isHighest(upstream, known, highest)) ? { found, highest } : 'makes up';
    }
    token = next;
  }
}

/** Whether none is left above: the file store of MLflow puts ids in another order. */
async function isHighest(
  upstream: Pick<Upstream, 'exchange'>,
  known: ReadonlyMap<number, number>,
  id: number,
): Promise<boolean> {
  const last = highestOf(known.keys());
  return last <= id || (await experimentThere(upstream, last))?.madeAt !== known.get(last);
}

function highestOf(ids: Iterable<number>): number {
  let highest = -1;
  for (const id of ids) {
    highest = Math.max(highest, id);
  }
  return highest;
}
