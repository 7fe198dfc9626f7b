import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fingerprint } from './fingerprint.mjs';
import { isMarked, mark } from './marker.mjs';
import { pinnedNode, root, systemEnvironment } from './paths.mjs';
import { run } from './run.mjs';
import { step } from './step.mjs';

/** Installs what package-lock.json names, unless exactly that is installed. */
export async function ensurePackages() {
  const wanted = fingerprint([join(root, 'package-lock.json')]);
  const marker = join(root, 'node_modules', '.complete');
  if (isMarked(marker, wanted) && existsSync(pinnedNode)) {
    return;
  }
  await step(
    'Installing packages',
    'Check that npm reaches its registry (npm ping), then start again.',
    async (onLine) => {
      // NODE_ENV=production or a setting of the user would leave out the pinned Node and the compiler.
      const flags = ['--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
      await run('npm', ['ci', ...flags], { cwd: root, env: systemEnvironment(), onLine });
      if (!existsSync(pinnedNode)) {
        throw new Error('The package "node" was not set up, because npm ran no install scripts.');
      }
      onLine((await run(pinnedNode, ['--version'])).trim());
      mark(marker, wanted);
    },
  );
}
