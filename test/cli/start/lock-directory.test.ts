import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { lockDirectory } from '../../../src/cli/start/lock-directory.ts';

const dir = mkdtempSync(join(tmpdir(), 'lock-'));
afterAll(() => rmSync(dir, { recursive: true }));

/** What a process of its own, which then ends without giving anything back, is told. */
function lockElsewhere(): string {
  const module = new URL('../../../src/cli/start/lock-directory.ts', import.meta.url).href;
  const script = `const { lockDirectory } = await import('${module}');
    console.log(lockDirectory(process.argv[1]) === undefined ? 'taken' : 'locked'); process.kill(process.pid, 'SIGKILL')`;
  try {
    return execFileSync(process.execPath, ['--input-type=module', '-e', script, dir], {
      encoding: 'utf8',
    }).trim();
  } catch (error) {
    return String(Object(error).stdout).trim();
  }
}

test('a directory belongs to one process until it gives it back or dies', () => {
  const unlock = lockDirectory(dir);
  expect(unlock).toBeTypeOf('function');
  expect(lockElsewhere()).toBe('taken');
  unlock?.();
  expect(lockElsewhere()).toBe('locked');
  // That process was killed while it had the lock.
  expect(lockElsewhere()).toBe('locked');
});
