import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { endTethered, spawnTethered } from '../../../src/cli/start/tethered.ts';
import { NEWEST, pythonOf } from '../../support/mlflow.ts';

const python = pythonOf(NEWEST);
/** Says its process ids, ignores polite requests to end, and would live for ten minutes. */
const STUBBORN = `
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = os.fork()
if child: print(os.getpid(), child, flush=True)
time.sleep(600)
`;

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('a command and its children end when this process is killed', async () => {
  const module = new URL('../../../src/cli/start/tethered.ts', import.meta.url).href;
  const script = `const { spawnTethered } = await import('${module}');
    const [python, code] = process.argv.slice(1);
    spawnTethered({ python, args: ['-c', code], cwd: '.', env: process.env, output: 1 });`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script, python, STUBBORN], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(createInterface(parent.stdout), 'line');
  const pids = String(line).split(' ').map(Number);
  expect(pids.map(lives)).toEqual([true, true]);

  parent.kill('SIGKILL');
  await expect.poll(() => pids.map(lives), { timeout: 20_000 }).toEqual([false, false]);
});

test('a command that does not end politely is ended by force', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'tethered-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const printed = join(dir, 'printed');
  const child = spawnTethered({
    python,
    args: ['-c', STUBBORN],
    cwd: '.',
    env: process.env,
    output: openSync(printed, 'w'),
  });
  await expect.poll(() => readFileSync(printed, 'utf8'), { timeout: 20_000 }).toMatch(/\n/);
  const pids = readFileSync(printed, 'utf8').trim().split(' ').map(Number);

  await endTethered(child, 100);
  expect(child.signalCode).toBe('SIGKILL');
  await expect.poll(() => pids.map(lives), { timeout: 20_000 }).toEqual([false, false]);
});

test('a command that ended by itself passes its exit code on, and ending it again does nothing', async () => {
  const child = spawnTethered({
    python,
    args: ['-c', 'raise SystemExit(7)'],
    cwd: '.',
    env: process.env,
    output: openSync('/dev/null', 'w'),
  });
  expect(await once(child, 'exit')).toEqual([7, null]);
  await endTethered(child, 100);
});
