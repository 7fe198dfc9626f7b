import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';

const REPOSITORY = resolve(import.meta.dirname, '../..');

const git = (...args: readonly string[]) =>
  execFileSync('git', args, { cwd: REPOSITORY, maxBuffer: 1e9, stdio: ['ignore', 'pipe', 'ignore'] });

/** The newest release that the repository knows; undefined if it knows none. */
export function newestRelease(): string | undefined {
  try {
    return git('describe', '--tags', '--abbrev=0').toString().trim();
  } catch {
    return undefined;
  }
}

/**
 * Writes the gateway of a revision out, with the packages that it named.
 *
 * @param dir - an empty directory.
 * @returns the command that runs it.
 */
export function writeOut(revision: string, dir: string): readonly string[] {
  const home = join(dir, 'gateway');
  mkdirSync(home);
  const files = git('archive', revision, 'src', 'config', 'package.json', 'package-lock.json');
  execFileSync('tar', ['-xC', home], { input: files });
  const lockIn = (folder: string) => readFileSync(join(folder, 'package-lock.json'), 'utf8');
  if (lockIn(home) === lockIn(REPOSITORY)) {
    symlinkSync(join(REPOSITORY, 'node_modules'), join(home, 'node_modules'));
  } else {
    execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: home,
      stdio: 'inherit',
    });
  }
  return [process.execPath, join(home, 'src/main.ts')];
}
