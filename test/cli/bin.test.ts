import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { temporaryDirectory } from '../store/temporary.ts';

const REPOSITORY = resolve(import.meta.dirname, '../..');

/** Runs a program in an empty directory, with a Node.js on the path that cannot be used. */
function type(program: string, args: readonly string[]) {
  const path = temporaryDirectory();
  writeFileSync(join(path, 'node'), '#!/bin/sh\necho "the wrong Node.js"; exit 1\n', { mode: 0o755 });
  const { status, stdout, stderr } = spawnSync(program, args, {
    env: { PATH: `${path}:/usr/bin:/bin` },
    cwd: temporaryDirectory(),
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

describe.each(['mlflow-auth-client', 'mlflow-auth-gateway'])('bin/%s', (name) => {
  const program = join(REPOSITORY, 'bin', name);
  const version = { status: 0, stdout: `${manifest.version}\n`, stderr: '' };

  test('runs from any directory on the Node.js that came with it', () => {
    expect(type(program, ['--version'])).toEqual(version);
  });

  test('runs by a link', () => {
    const link = join(temporaryDirectory(), 'linked');
    symlinkSync(program, link);
    expect(type(link, ['--version'])).toEqual(version);
  });

  test('says what to do before it is built', () => {
    const copy = join(temporaryDirectory(), 'a b');
    mkdirSync(copy);
    cpSync(join(REPOSITORY, 'bin'), join(copy, 'bin'), { recursive: true });
    const { status, stderr } = type(join(copy, 'bin', name), ['--version']);
    expect(status).toBe(1);
    expect(stderr).toBe(`${name} is not built yet: run npm ci && npm run build in ${copy}\n`);
  });
});
