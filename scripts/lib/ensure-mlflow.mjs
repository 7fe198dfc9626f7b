import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findPython } from './find-python.mjs';
import { isMarked, mark } from './marker.mjs';
import { root } from './paths.mjs';
import { run } from './run.mjs';
import { step } from './step.mjs';

/**
 * Installs a stock MLflow into a virtual environment of its own, unless it is there.
 *
 * @param mlflow - a row of mlflow-versions.mjs.
 * @returns its interpreter.
 */
export async function ensureMlflow(mlflow) {
  const { version, installs } = mlflow;
  const home = join(root, '.venv', `mlflow-${version}`);
  const python = join(home, 'bin', 'python');
  const marker = join(home, '.complete');
  const wanted = installs.flat().join('\n');
  // The interpreter is a link, which dangles once the system's Python was replaced.
  if (isMarked(marker, wanted) && existsSync(python)) {
    return python;
  }
  // One that runs is completed; anything else is begun anew.
  const usable = await answers(python, version);
  const systemPython = usable ? undefined : await findPython(mlflow);
  await step(
    `Installing MLflow ${version}`,
    'Check that pip reaches its index (pip download mlflow), then start again: it is begun anew.',
    async (onLine) => {
      if (systemPython !== undefined) {
        rmSync(home, { recursive: true, force: true });
        await run(systemPython, ['-m', 'venv', home], { onLine });
      }
      const flags = ['--disable-pip-version-check', '--no-input', '--progress-bar', 'off'];
      for (const packages of installs) {
        await run(python, ['-m', 'pip', 'install', ...flags, ...packages], { onLine });
      }
      await run(python, ['-m', 'mlflow', '--version'], { onLine });
      mark(marker, wanted);
    },
  );
  return python;
}

/** Whether an environment without a marker holds this MLflow, able to run. */
async function answers(python, version) {
  if (!existsSync(python)) {
    return false;
  }
  try {
    return (await run(python, ['-m', 'mlflow', '--version'])).includes(`version ${version}`);
  } catch {
    return false;
  }
}
