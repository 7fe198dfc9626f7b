import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { upstreamEnvironment } from '../../src/cli/start/upstream-environment.ts';
import type { RunningMlflow } from './mlflow.ts';

/** Has `mlflow gc` remove for good what is deleted in an MLflow of a test's own, as its operator would. */
export async function collectGarbage({ python, uri }: RunningMlflow, dir: string): Promise<void> {
  const args = ['-m', 'mlflow', 'gc', '--backend-store-uri', `sqlite:///${join(dir, 'mlflow.db')}`];
  await promisify(execFile)(python, args, {
    cwd: dir,
    env: { ...upstreamEnvironment(process.env), MLFLOW_TRACKING_URI: uri },
  });
}
