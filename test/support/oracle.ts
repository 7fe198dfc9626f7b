import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { NEWEST, OLDEST } from './mlflow.ts';

/** The MLflow versions that tests ask how they read a request. */
export const ORACLE_VERSIONS = [OLDEST, NEWEST] as const;

/** The Python that a version of MLflow is installed for. */
export const pythonOf = (version: string) =>
  `${process.env['MLFLOW_TEST_VENVS'] ?? '.venv'}/mlflow-${version}/bin/python`;

/** Whether a test has to do without the real MLflow: never where tests decide about a merge. */
export function isOracleMissing(version: string): boolean {
  return process.env['CI'] === undefined && !existsSync(pythonOf(version));
}

/**
 * Asks a real MLflow, in one process for all questions.
 *
 * @param questions - see mlflow_oracle.py.
 * @returns one answer for each.
 */
export function askOracle(version: string, questions: readonly unknown[]): unknown[] {
  const script = fileURLToPath(new URL('./mlflow_oracle.py', import.meta.url));
  const run = spawnSync(pythonOf(version), [script], {
    input: questions.map((question) => `${JSON.stringify(question, exactly)}\n`).join(''),
    encoding: 'utf8',
    timeout: 60_000,
    maxBuffer: 256 * 1024 * 1024,
  });
  if (run.error) {
    throw run.error;
  }
  if (run.status !== 0) {
    throw new Error(`MLflow ${version} could not be asked: ${run.stderr}`);
  }
  return run.stdout
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
}

/** Numbers that Python would read back from JSON as other ones. */
function exactly(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') {
    return { $int: value.toString() };
  }
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? { $float: String(value) } : value;
}
