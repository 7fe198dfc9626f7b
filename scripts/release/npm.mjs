import { join } from 'node:path';
import { run } from './stage.mjs';

/**
 * Packs the npm package: built, so that `npm install -g` needs no build step.
 *
 * @returns the package's path.
 */
export function packNpm(out) {
  const [packed] = Object.values(
    JSON.parse(run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', out])),
  );
  return join(out, packed.filename);
}
