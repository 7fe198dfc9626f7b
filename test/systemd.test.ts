import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isThere } from './support/is-there.ts';

const UNIT = resolve(import.meta.dirname, '../deploy/systemd/mlflow-auth-gateway.service');
/** Of systemd's scale from 0 (closed) to 10. */
const EXPOSED_AT_MOST = 20;

// Where systemd is installed; nothing else here needs it.
describe.skipIf(!isThere('systemd-analyze'))('the systemd unit', () => {
  const analyze = (...args: string[]) =>
    execFileSync('systemd-analyze', args, { encoding: 'utf8', stdio: 'pipe' });

  test('has no directive that systemd does not know', () => {
    expect(analyze('verify', UNIT)).toBe('');
  });

  test('leaves little of the machine open', () => {
    expect(analyze('security', '--offline=yes', `--threshold=${EXPOSED_AT_MOST}`, UNIT)).toContain('OK');
  });

  test('is noticed where it opens more', () => {
    const dir = mkdtempSync(join(tmpdir(), 'unit-'));
    const open = join(dir, 'open.service');
    writeFileSync(open, '[Service]\nExecStart=/usr/bin/env true\n');
    chmodSync(open, 0o644);
    expect(() => analyze('security', '--offline=yes', `--threshold=${EXPOSED_AT_MOST}`, open)).toThrow();
    rmSync(dir, { recursive: true });
  });
});
