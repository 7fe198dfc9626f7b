import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fingerprint } from './fingerprint.mjs';
import { isMarked, mark } from './marker.mjs';
import { pinnedEnvironment, root } from './paths.mjs';
import { run } from './run.mjs';
import { step } from './step.mjs';

const SOURCES = ['src', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json'];

/** Compiles src to dist, unless dist is made of exactly these sources. */
export async function ensureBuild() {
  const wanted = fingerprint(SOURCES.map((name) => join(root, name)));
  const dist = join(root, 'dist');
  const marker = join(dist, '.complete');
  if (isMarked(marker, wanted)) {
    return;
  }
  await step('Building', 'The sources do not compile: undo what was changed, or mend it.', async (onLine) => {
    rmSync(dist, { recursive: true, force: true });
    await run('npm', ['run', '--silent', 'build'], {
      cwd: root,
      env: pinnedEnvironment(),
      onLine,
    });
    mark(marker, wanted);
  });
}
