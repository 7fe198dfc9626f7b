// `npm run test:keycloak`: sets up what is missing, then the tests in front of a real Keycloak, which Maven fetches and Java
// runs, or of the one at KEYCLOAK_URL. What stands after `npm run test:keycloak --` goes to vitest.
// Plain JavaScript without dependencies, because it begins on the Node that is there.
import './lib/check-node.mjs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ensureBuild } from './lib/ensure-build.mjs';
import { ensureMlflow } from './lib/ensure-mlflow.mjs';
import { ensurePackages } from './lib/ensure-packages.mjs';
import { NEWEST_MLFLOW } from './lib/mlflow-versions.mjs';
import { bin, pinnedEnvironment, root } from './lib/paths.mjs';

const OLDEST_JAVA = 17;

if (!process.env.KEYCLOAK_URL) {
  const missing = missingPrograms();
  if (missing.length > 0) {
    process.stderr.write(
      `Missing: ${missing.join(', ')}. On Debian: apt-get install openjdk-17-jre-headless maven. Or name a Keycloak that runs in KEYCLOAK_URL, with KEYCLOAK_ADMIN_PASSWORD of its admin.\n`,
    );
    process.exit(1);
  }
}
await ensurePackages();
await ensureBuild();
if (!process.env.MLFLOW_TEST_VENVS) {
  await ensureMlflow(NEWEST_MLFLOW);
}

const { status } = spawnSync(
  join(bin, 'vitest'),
  ['run', '--config', 'vitest.long.config.ts', 'test/keycloak', ...process.argv.slice(2)],
  { cwd: root, env: pinnedEnvironment(), stdio: 'inherit' },
);
process.exit(status === null ? 1 : status);

/** What this machine lacks to fetch and run a Keycloak. */
function missingPrograms() {
  // On standard error it says `openjdk version "17.0.15"`, with more behind it.
  const { stderr } = spawnSync('java', ['-version'], { encoding: 'utf8' });
  const java = Number(/version "(\d+)/.exec(stderr ?? '')?.[1] ?? 0);
  const hasMaven = spawnSync('mvn', ['--version']).status === 0;
  return [...(java < OLDEST_JAVA ? [`Java ${OLDEST_JAVA} or later`] : []), ...(hasMaven ? [] : ['Maven'])];
}
