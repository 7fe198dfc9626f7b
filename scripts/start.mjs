// `npm start`: sets up what is missing, then runs the gateway over an MLflow of its own. Plain JavaScript without
// dependencies, because it begins on the Node that is there, with nothing installed.
import './lib/check-node.mjs';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ensureBuild } from './lib/ensure-build.mjs';
import { ensureMlflow } from './lib/ensure-mlflow.mjs';
import { ensurePackages } from './lib/ensure-packages.mjs';
import { STARTED_MLFLOW } from './lib/mlflow-versions.mjs';
import { pinnedEnvironment, pinnedNode, root } from './lib/paths.mjs';

await ensurePackages();
await ensureBuild();
const python = await ensureMlflow(STARTED_MLFLOW);

const gateway = spawn(pinnedNode, [join(root, 'dist', 'cli', 'start', 'index.js'), '--python', python], {
  cwd: root,
  env: pinnedEnvironment(),
  // The channel tells the gateway when this process dies without a word.
  stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => gateway.kill(signal));
}
gateway.on('exit', (code, signal) => process.exit(signal ? 1 : code));
