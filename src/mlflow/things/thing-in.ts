import { propertyAt } from '../read/property-at.ts';
import type { Way } from './look-ups.ts';

/** The thing that a reply is about, or the one of a list in it. */
export function thingIn(reply: unknown, { at, where }: Pick<Way, 'at' | 'where'>, id: string): unknown {
  const found = at === undefined ? reply : propertyAt(reply, at);
  if (where === undefined) {
    // A reply without the thing is no word that there is none.
    return found ?? (reply === undefined ? undefined : {});
  }
  return Array.isArray(found) ? found.find((row) => propertyAt(row, where) === id) : undefined;
}

/** Text that names something: a caller who may read all experiments may not read what is in none. */
export const isId = (value: unknown): value is string => typeof value === 'string' && value !== '';
