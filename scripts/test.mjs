// `npm test`: sets up what is missing, then format and lint, types, imports, build and every test. What stands after
// `npm test --` goes to vitest, but for `--mlflow VERSION`, which has tests run on that MLflow in place of the newest and
// the oldest. Where CI is set, programs of others that a few tests run are installed too.
// Plain JavaScript without dependencies, because it begins on the Node that is there.
import './lib/check-node.mjs';
import { spawnSync } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { ensureBuild } from './lib/ensure-build.mjs';
import { ensureMlflow } from './lib/ensure-mlflow.mjs';
import { ensurePackages } from './lib/ensure-packages.mjs';
import { ensurePrograms, programsBin } from './lib/ensure-programs.mjs';
import { mlflowOf, TESTED_MLFLOWS } from './lib/mlflow-versions.mjs';
import { bin, pinnedEnvironment, root } from './lib/paths.mjs';
import { run } from './lib/run.mjs';
import { step } from './lib/step.mjs';

const { versions, forVitest } = splitArguments(process.argv.slice(2));
const others = versions.map(mlflowOf);
const pinned = pinnedEnvironment();
const env = {
  ...pinned,
  PATH: [pinned.PATH, programsBin].join(delimiter),
  ...(versions.length > 0 && { MLFLOW_TEST_VERSIONS: versions.join() }),
};
const command =
  (name, ...args) =>
  (onLine) =>
    run(join(bin, name), args, { cwd: root, env, onLine });

await ensurePackages();
await step('Checking format and lint', 'npm run format mends most of it.', command('biome', 'check', '.'));
await step('Checking types', 'npm run types shows all of it.', command('tsc', '--noEmit'));
await step(
  'Checking types of the pages',
  'npm run types shows all of it.',
  command('tsc', '--noEmit', '-p', 'src/web'),
);
await step(
  'Checking imports',
  'CONTRIBUTING.md says which way they point.',
  command('depcruise', '--config', '.dependency-cruiser.mjs', 'src'),
);
await ensureBuild();
if (!process.env.MLFLOW_TEST_VENVS) {
  const pythons = [];
  for (const mlflow of [...TESTED_MLFLOWS, ...others]) {
    pythons.push(await ensureMlflow(mlflow));
  }
  if (process.env.CI) {
    await ensurePrograms(pythons[0]);
  }
}

// Last, and nothing printed after it: its closing line is the run's.
const { status } = spawnSync(join(bin, 'vitest'), ['run', ...forVitest], {
  cwd: root,
  env,
  stdio: 'inherit',
});
process.exit(status === null ? 1 : status);

/** Takes each `--mlflow VERSION` out of the arguments. */
function splitArguments(given) {
  const versions = [];
  const forVitest = [];
  for (const [at, argument] of given.entries()) {
    if (given[at - 1] === '--mlflow') {
      versions.push(argument);
    } else if (argument !== '--mlflow') {
      forVitest.push(argument);
    }
  }
  return { versions, forVitest };
}
