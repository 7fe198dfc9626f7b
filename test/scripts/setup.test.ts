import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { mlflowOf, STARTED_MLFLOW, TESTED_MLFLOWS } from '../../scripts/lib/mlflow-versions.mjs';

const LIB = new URL('../../scripts/lib/', import.meta.url);

function temporary(): string {
  const dir = mkdtempSync(join(tmpdir(), 'setup-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  return dir;
}

/** Runs a script that may import `lib('name.mjs')`, with nothing on the path but what is given. */
function runScript(script: string, path: string) {
  const lib = `const lib = (name) => import(new URL(name, '${LIB.href}').href);`;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '-e', lib + script],
    {
      env: { PATH: path },
      encoding: 'utf8',
    },
  );
  return { status, stdout, stderr };
}

/** A directory of Pythons that answer the probe: minor version, and whether venv is there. */
function pythons(answers: Readonly<Record<string, string>>): string {
  const dir = temporary();
  for (const [name, answer] of Object.entries(answers)) {
    writeFileSync(join(dir, name), `#!/bin/sh\necho ${answer}\n`, { mode: 0o755 });
  }
  return dir;
}

describe('the Python for an MLflow', () => {
  const find = (answers: Readonly<Record<string, string>>) =>
    runScript(
      `const { findPython } = await lib('find-python.mjs');
       console.log(await findPython({ version: '9.9', oldestPython: 10, newestPython: 12 }));`,
      pythons(answers),
    );

  test.each([
    ['python3', { python3: '3 10 1' }],
    ['python', { python: '3 12 1' }],
    ['python3.11', { python3: '3 13 1', python: '2 7 0', 'python3.11': '3 11 1' }],
    ['python3.12', { python3: '3 11 0', 'python3.12': '3 12 1' }],
  ])('is %s where that is the first that fits', (name, answers) => {
    expect(find(answers)).toEqual({ status: 0, stdout: `${name}\n`, stderr: '' });
  });

  test.each([
    ['there is none', {}, 'there is no python3 on the path: install one, then start again.'],
    ['all are too old', { python3: '3 9 1' }, 'only others are on the path (python3 is 3.9)'],
    ['all are too new', { python3: '3 13 1' }, 'only others are on the path (python3 is 3.13)'],
    ['only a Python 2 is there', { python: '2 7 0' }, 'there is no python3 on the path'],
    ['venv is missing', { python3: '3 11 0' }, 'python3 lacks its venv module'],
  ])('is asked for in one sentence where %s', (_case, answers, sentence) => {
    const { status, stderr } = find(answers);
    expect(status).toBe(1);
    expect(stderr).toContain(sentence);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});

describe('a step', () => {
  const step = (command: string) =>
    runScript(
      `const { step } = await lib('step.mjs');
       const { run } = await lib('run.mjs');
       await step('Baking', 'Buy flour.', (onLine) => run('/bin/sh', ['-c', '${command}'], { onLine }));
       console.log('after');`,
      '',
    );

  test('that works says that it begins and ends, and lets the next one begin', () => {
    const { status, stdout } = step('echo dough');
    expect(stdout).toMatch(/^Baking …\nBaking: done \(\d+ s\)\nafter\n$/);
    expect(status).toBe(0);
  });

  test('that fails shows its last lines and what to do, and ends everything', () => {
    const { status, stdout, stderr } = step(
      'i=0; while [ $i -lt 100 ]; do i=$((i+1)); echo $i; done; echo no flour >&2; exit 3',
    );
    expect(stdout).toMatch(/^Baking …\nBaking: failed/);
    expect(stderr).toContain('\n100\nno flour\n');
    expect(stderr).not.toContain('\n50\n');
    expect(stderr).toMatch(/exit code 3\nBuy flour\.\n$/);
    expect(status).toBe(1);
  });
});

describe('the fingerprint that decides whether something is done anew', () => {
  const of = (dir: string) => {
    const { stdout } = runScript(
      `const { fingerprint } = await lib('fingerprint.mjs'); console.log(fingerprint(['${dir}']));`,
      '',
    );
    return stdout.trim();
  };

  test('changes with a byte, a name, and nothing else', () => {
    const dir = temporary();
    mkdirSync(join(dir, 'deep'));
    const file = join(dir, 'deep', 'file');
    writeFileSync(file, 'one');
    const first = of(dir);
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    writeFileSync(file, 'one');
    expect(of(dir)).toBe(first);
    writeFileSync(file, 'two');
    expect(of(dir)).not.toBe(first);
    writeFileSync(file, 'one');
    writeFileSync(join(dir, 'empty'), '');
    expect(of(dir)).not.toBe(first);
  });
});

test('what npm start and compose run is the same MLflow, and each is installed in its own version', () => {
  for (const { version, installs } of TESTED_MLFLOWS) {
    expect(installs.at(-1)).toContain(`mlflow==${version}`);
  }
  const compose = readFileSync(new URL('../../docker-compose.yaml', import.meta.url), 'utf8');
  expect(compose).toContain(`image: \${MLFLOW_IMAGE:-ghcr.io/mlflow/mlflow:v${STARTED_MLFLOW.version}}\n`);
});

test('an MLflow of any other version is installed with what its kind needs', () => {
  expect(mlflowOf('2.20.4').installs).toEqual([['mlflow==2.20.4', 'setuptools<81', 'sqlalchemy<2.1']]);
  expect(mlflowOf('3.10.1').installs).toEqual([['mlflow==3.10.1', 'flask-wtf<2']]);
  for (const mlflow of TESTED_MLFLOWS) {
    expect(mlflowOf(mlflow.version)).toBe(mlflow);
  }
});
