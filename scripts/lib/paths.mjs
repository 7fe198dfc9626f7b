import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository. */
export const root = fileURLToPath(new URL('../..', import.meta.url));
/** The commands of the installed packages, the pinned Node among them. */
export const bin = join(root, 'node_modules', '.bin');
/** The Node that everything but these scripts runs on. */
export const pinnedNode = join(bin, 'node');

/** This environment with the pinned Node first on the path. */
export function pinnedEnvironment() {
  return { ...process.env, PATH: [bin, process.env.PATH].join(delimiter) };
}

/** This environment with whatever Node began: npm replaces the pinned one while it runs. */
export function systemEnvironment() {
  const path = (process.env.PATH || '')
    .split(delimiter)
    .filter((entry) => !entry.endsWith('node_modules/.bin'));
  return { ...process.env, PATH: path.join(delimiter) };
}
