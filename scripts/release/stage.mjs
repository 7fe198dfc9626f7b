import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export const REPOSITORY = resolve(import.meta.dirname, '../..');

/** What package.json says. */
export const manifest = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8'));

/** Runs a program and shows what it says only if it fails. */
export function run(program, args, options = {}) {
  return execFileSync(program, args, {
    cwd: REPOSITORY,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options,
  });
}

/** A new folder of its own, for the caller to remove. */
export function temporary(name) {
  return mkdtempSync(join(tmpdir(), `${name}-`));
}

/**
 * Puts the built gateway with the packages that it needs, in the versions of the lock file, into a folder: it runs there
 * without npm. What only some platforms need is left out, the store's driver apart, which brings all of them, and whose
 * sources are left out.
 */
export function stageApp(into) {
  for (const name of ['package.json', 'package-lock.json', '.npmrc']) {
    cpSync(join(REPOSITORY, name), join(into, name));
  }
  run('npm', ['ci', '--omit=dev', '--omit=optional', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: into,
  });
  for (const sources of ['deps', 'src']) {
    rmSync(join(into, 'node_modules/better-sqlite3', sources), { recursive: true });
  }
  cpSync(join(REPOSITORY, 'dist'), join(into, 'dist'), {
    recursive: true,
    filter: (path) => !path.endsWith('.map'),
  });
  cpSync(join(REPOSITORY, 'config'), join(into, 'config'), { recursive: true });
}
