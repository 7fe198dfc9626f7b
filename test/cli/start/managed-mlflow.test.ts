import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test as base, describe, expect, onTestFinished } from 'vitest';
import { awaitHealth } from '../../../src/cli/start/await-health.ts';
import { manageMlflow } from '../../../src/cli/start/managed-mlflow.ts';
import { pythonOf, STARTED } from '../../support/mlflow.ts';

const test = base.extend<{ dataDir: string }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the names of the fixtures it wants from here.
  dataDir: async ({}, use) => {
    const dir = mkdtempSync(join(tmpdir(), 'data-'));
    await use(dir);
    rmSync(dir, { recursive: true });
  },
});

function manage(dataDir: string) {
  const warnings: string[] = [];
  const mlflow = manageMlflow({
    python: pythonOf(STARTED),
    dataDir,
    env: process.env,
    warn: (line) => warnings.push(line),
    clock: Date.now,
  });
  onTestFinished(() => mlflow.stop());
  return { mlflow, warnings, socketPath: mlflow.socketUri.slice('unix:'.length) };
}

/** The processes that work on a directory: MLflow's arguments name its data. */
function processesOf(dataDir: string): number[] {
  const lines = execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' }).split('\n');
  return lines.filter((line) => line.includes(dataDir)).map((line) => Number.parseInt(line, 10));
}

describe('an MLflow of our own', () => {
  test('answers on a socket only this user can reach, comes back when it dies, and leaves nothing behind', async ({
    dataDir,
  }) => {
    const { mlflow, warnings, socketPath } = manage(dataDir);
    await mlflow.start(AbortSignal.timeout(60_000));
    expect(statSync(dirname(socketPath)).mode & 0o777).toBe(0o700);
    const before = processesOf(dataDir);
    expect(before.length).toBeGreaterThan(0);

    for (const pid of before) {
      process.kill(pid, 'SIGKILL');
    }
    await expect.poll(() => warnings, { timeout: 10_000 }).toHaveLength(1);
    expect(warnings[0]).toMatch(
      /^MLflow ended \(.+\) and is started again in 1 s; its log is .+mlflow\.log$/,
    );
    await awaitHealth(socketPath, AbortSignal.timeout(60_000));
    expect(processesOf(dataDir)).not.toEqual(expect.arrayContaining(before));

    await mlflow.stop();
    expect(processesOf(dataDir)).toEqual([]);
    expect(existsSync(dirname(socketPath))).toBe(false);
    expect(warnings).toHaveLength(1);
  }, 180_000);

  test('that cannot start says so with the end of its log', async ({ dataDir }) => {
    writeFileSync(
      join(dataDir, 'mlflow.db'),
      'this is no database, and SQLite knows one when it sees it\n'.repeat(50),
    );
    const { mlflow } = manage(dataDir);
    const start = mlflow.start(AbortSignal.timeout(60_000));
    await expect(start).rejects.toThrow(
      /file is not a database[\s\S]*MLflow did not start \(.*exit code.*\)/,
    );
    expect(processesOf(dataDir)).toEqual([]);
  });

  test('stops while it starts, when asked to', async ({ dataDir }) => {
    const { mlflow } = manage(dataDir);
    const asked = new AbortController();
    const start = mlflow.start(asked.signal);
    asked.abort(new Error('enough'));
    await expect(start).rejects.toThrow('enough');
    await mlflow.stop();
    expect(processesOf(dataDir)).toEqual([]);
  });
});
