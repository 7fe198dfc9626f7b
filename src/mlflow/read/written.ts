import { parseLossless } from './lossless.ts';
import { propertyAt } from './property-at.ts';

/**
 * Tells how a value stands in a JSON body, which parsing forgets: `1.0` and `1e0` are 1 to it.
 *
 * @returns the text at a path such as `experiment_ids[0]`. The body is parsed once more, when it is first asked about.
 */
export function createWritten(bytes: Uint8Array): (path: string) => string | undefined {
  let body: unknown;
  return (path) => {
    body ??= parseLossless(Buffer.from(bytes).toString('utf8'));
    return JSON.stringify(propertyAt(body, path.replaceAll(/\[(\d+)\]/g, '.$1')));
  };
}
