/**
 * `npm run mlflow:new`: takes the newest release of MLflow, or that of `npm run mlflow:new -- 3.19.0`, into
 * src/mlflow/read/fields.generated.json, and says what is left for a person to do.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureMlflow } from './lib/ensure-mlflow.mjs';
import { unfold } from './lib/mlflow-facts.mjs';
import { mlflowOf, STARTED_MLFLOW } from './lib/mlflow-versions.mjs';
import { root } from './lib/paths.mjs';

const ask = (python, ...args) =>
  execFileSync(python, args, { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });

/** The newest release that pip knows: `mlflow (3.18.0)` is the first line of its answer. */
async function newest() {
  const python = await ensureMlflow(STARTED_MLFLOW);
  const [, version] = /^mlflow \((\S+)\)/.exec(ask(python, '-m', 'pip', 'index', 'versions', 'mlflow')) ?? [];
  if (version === undefined) {
    throw new Error('pip does not say which releases of MLflow there are: check that it reaches its index');
  }
  return version;
}

const version = process.argv[2] ?? (await newest());
const python = await ensureMlflow(mlflowOf(version));
const directory = mkdtempSync(join(tmpdir(), 'mlflow-new-'));
const dump = join(directory, 'dump.json');
try {
  ask(python, 'scripts/dump_routes.py', dump);
  console.log(ask(process.execPath, 'scripts/add-mlflow.mjs', dump));
} finally {
  rmSync(directory, { recursive: true });
}

// Imported now: they read the table that was just written.
const { liveRoutes } = await import('../src/mlflow/read/fields.ts');
const { HANDLER_BODIES, HANDLER_QUERIES } = await import('../src/mlflow/read/handler-fields.ts');
const { uncovered } = await import('../src/mlflow/table/coverage.ts');
const { isClassified } = await import('../src/mlflow/things/acted-on-keys.ts');
const { ROUTES } = await import('../src/routes.ts');

const sources = JSON.parse(ask(python, 'scripts/read_sources.py'));
const declared = new Set(
  [HANDLER_BODIES, HANDLER_QUERIES].flatMap((part) => Object.values(part).flatMap(Object.keys)),
);
const table = JSON.parse(readFileSync(join(root, 'src/mlflow/read/fields.generated.json'), 'utf8'));
for (const fields of Object.values(unfold(table, version).messages)) {
  for (const name of Object.keys(fields)) {
    declared.add(name);
  }
}

const todo = [
  ...uncovered(liveRoutes(version) ?? [], ROUTES).map(
    (operation) => `a row in src/mlflow/table/routes.ts: ${operation}`,
  ),
  ...Object.entries(sources.handlers).flatMap(([handler, names]) =>
    names
      .filter((name) => !declared.has(name))
      .map((name) => `a field in src/mlflow/read/handler-fields.ts: ${name}, read by ${handler}`),
  ),
  ...Object.entries(sources.keys)
    .filter(([key]) => !isClassified(key))
    .map(([key, file]) => `an entry in src/mlflow/things/acted-on-keys.ts: ${key}, from mlflow/${file}`),
];
console.log(`To do for MLflow ${version}:`);
for (const line of todo.length > 0 ? todo : ['nothing is missing']) {
  console.log(`  - ${line}`);
}
console.log(
  `  - read what changed in mlflow/server/auth, whose routes.py names ${sources.auth.length} paths`,
);
console.log(
  `  - npm test -- --mlflow ${version} test/e2e test/security, then scripts/lib/mlflow-versions.mjs and npm run docs`,
);
