import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { manifest, REPOSITORY, run, temporary } from './stage.mjs';

/**
 * Packs the Helm chart as `helm package` does: a folder of the chart's name.
 *
 * @returns the package's path.
 */
export function buildChart(out) {
  const dir = temporary('chart');
  const name = 'mlflow-auth-gateway';
  const path = join(out, `${name}-chart-${manifest.version}.tgz`);
  try {
    cpSync(join(REPOSITORY, 'deploy/helm'), join(dir, name), { recursive: true });
    run('tar', ['-czf', path, '-C', dir, name]);
  } finally {
    rmSync(dir, { recursive: true });
  }
  return path;
}
