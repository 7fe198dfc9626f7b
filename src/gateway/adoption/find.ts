import { type Existence, existenceTarget, readExistence } from '../../mlflow/things/existence.ts';
import type { Answer, Upstream } from '../../mlflow/upstream/upstream.ts';
import type { Intent } from '../../store/types.ts';
import type { Found } from './outcome.ts';
import { keyOf, type Place, placesOf } from './places.ts';

/** Asks MLflow what has the names that intents are about. */
export interface Finder {
  /** What has a place now; `unclear` if the upstream does not say. */
  find(place: Place): Promise<Existence>;
  /** What has a place now, with the answer of the upstream that told it. */
  lookFor(place: Place): Promise<{ readonly existence: Existence; readonly answer: Answer }>;
  /**
   * Looks at every place that intents are about, a thing's old name before its new one: a rename that is carried out
   * meanwhile is then seen at one of them, or at both.
   *
   * @returns what has each name; undefined if one cannot be seen.
   */
  findAll(intents: readonly Intent[]): Promise<((name: string) => Found) | undefined>;
}

export function createFinder(upstream: Pick<Upstream, 'exchange'>): Finder {
  async function lookFor({ kind, by, text }: Place) {
    const answer = await upstream.exchange({ method: 'GET', target: existenceTarget(kind, by, text) });
    return { answer, existence: readExistence(kind, by, text, answer) };
  }

  async function find(place: Place): Promise<Existence> {
    return (await lookFor(place)).existence;
  }

  return {
    find,
    lookFor,
    async findAll(intents) {
      const places = new Map(intents.flatMap(placesOf).map((place) => [keyOf(place), place]));
      const found = new Map<string, Found>();
      for (const place of places.values()) {
        const existence = await find(place);
        if (existence === 'unclear') {
          return undefined;
        }
        found.set(place.text, existence);
      }
      return (name) => found.get(name) ?? 'missing';
    },
  };
}
