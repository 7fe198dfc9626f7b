import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { manifest, REPOSITORY, run, stageApp, temporary } from './stage.mjs';

/**
 * Builds the wheel `mlflow-auth-gateway`: the built gateway and its packages inside, Node.js as a dependency.
 *
 * @returns the wheel's path.
 */
export function buildWheel(python, out) {
  const dir = temporary('wheel');
  try {
    cpSync(join(REPOSITORY, 'deploy/python'), dir, { recursive: true });
    const project = join(dir, 'pyproject.toml');
    writeFileSync(
      project,
      readFileSync(project, 'utf8').replace('version = "0.0.0"', `version = "${manifest.version}"`),
    );
    const app = join(dir, 'src/mlflow_auth_gateway/app');
    mkdirSync(app);
    stageApp(app);
    return makeWheel(python, dir, out, 'mlflow_auth_gateway-');
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/**
 * Builds the wheel of the Python package behind `get_app_client("mlflow-auth")`.
 *
 * @returns the wheel's path.
 */
export function buildClientWheel(python, out) {
  return makeWheel(python, join(REPOSITORY, 'clients/python'), out, 'mlflow_auth_gateway_client-');
}

function makeWheel(python, project, out, start) {
  run(python, ['-m', 'pip', 'wheel', '--quiet', '--no-deps', '--wheel-dir', out, project]);
  const name = readdirSync(out).find((file) => file.startsWith(start) && file.endsWith('.whl'));
  if (name === undefined) {
    throw new Error(`pip built no wheel of ${project}`);
  }
  return join(out, name);
}
