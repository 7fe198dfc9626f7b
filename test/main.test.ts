import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import manifest from '../package.json' with { type: 'json' };
import { addUser, open, temporaryDirectory, temporaryUri } from './store/temporary.ts';

const MAIN = resolve(import.meta.dirname, '../src/main.ts');

/** Types a command line, as a user does in a shell. */
function type(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  input = '',
  cwd = temporaryDirectory(),
) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    env: { PATH: process.env['PATH'], ...env },
    cwd,
    input,
    encoding: 'utf8',
    timeout: 30_000,
  });
  return { status, stdout, stderr };
}

test('--help names every command', () => {
  const { status, stdout } = type(['--help']);
  expect(status).toBe(0);
  for (const command of ['serve', 'import', 'check-config', 'create-admin', 'backup']) {
    expect(stdout).toMatch(new RegExp(`^ {2}${command} `, 'm'));
  }
});

test('create-admin takes the password from a pipe, backup copies the result', async () => {
  const uri = temporaryUri();
  const store = await open(uri);
  await addUser(store, 'alice');
  const env = { MLFLOW_AUTH_DATABASE_URI: uri, MLFLOW_AUTH_PASSWORD_ROUNDS: '4' };
  expect(type(['create-admin', 'eve'], env, 'a long enough password\n')).toMatchObject({
    status: 0,
    stderr: '',
  });
  expect(await store.users.get('eve')).toMatchObject({ isAdmin: true });
  const copy = join(temporaryDirectory(), 'copy.db');
  expect(type(['backup', copy], env)).toMatchObject({ status: 0, stderr: '' });
  expect(await (await open(`sqlite:///${copy}`)).users.list()).toHaveLength(2);
});

test('--version is the one of the package', () => {
  expect(type(['--version'])).toEqual({ status: 0, stdout: `${manifest.version}\n`, stderr: '' });
});

describe('without database_uri the commands on the store', () => {
  /** A directory with a store at each of these places. */
  async function withStores(...places: readonly string[]) {
    const cwd = temporaryDirectory();
    mkdirSync(join(cwd, 'data'));
    for (const place of places) {
      const store = await open(`sqlite:///${join(cwd, place)}`);
      await addUser(store, `user of ${place}`);
    }
    return cwd;
  }
  const env = { MLFLOW_AUTH_PASSWORD_ROUNDS: '4' };
  const create = (cwd: string) => type(['create-admin', 'eve'], env, 'a long enough password\n', cwd);

  test('take the one that npm start made', async () => {
    const cwd = await withStores('data/gateway.db');
    expect(create(cwd)).toMatchObject({ status: 0, stderr: '' });
    expect(type(['backup', 'copy.db'], env, '', cwd)).toMatchObject({ status: 0, stderr: '' });
    const copy = await open(`sqlite:///${join(cwd, 'copy.db')}`);
    expect((await copy.users.list()).map(({ username }) => username)).toEqual([
      'user of data/gateway.db',
      'eve',
    ]);
    expect(type(['check-config'], env, '', cwd).stdout).toMatch(
      /database_uri = sqlite:.*gateway\.db\n[\s\S]*Warning: database_uri is not set: commands take the store of npm start/,
    );
  });

  test('take the one of npm run serve where it is the only one', async () => {
    const cwd = await withStores('basic_auth.db');
    expect(create(cwd)).toMatchObject({ status: 0, stdout: expect.stringContaining('basic_auth.db') });
  });

  test('ask which one is meant where there are both, and change neither', async () => {
    const cwd = await withStores('basic_auth.db', 'data/gateway.db');
    const { status, stderr } = create(cwd);
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /^There are two stores here\. .*data\/gateway\.db of npm start.*basic_auth\.db of npm run serve\.\n$/,
    );
    for (const place of ['basic_auth.db', 'data/gateway.db']) {
      expect(await (await open(`sqlite:///${join(cwd, place)}`)).users.list()).toHaveLength(1);
    }
  });
});

test.each([
  // For documentation, so never of this machine: RFC 5737.
  [
    'an address of another machine',
    { MLFLOW_AUTH_HOST: '203.0.113.9' },
    '203.0.113.9 is not an address of this machine. Set another with MLFLOW_AUTH_HOST.',
  ],
  ['a name of no host', { MLFLOW_AUTH_HOST: 'no..host' }, 'no..host is not a host that is known'],
  [
    'a store that is a directory',
    { MLFLOW_AUTH_DATABASE_URI: `sqlite:///${tmpdir()}` },
    'cannot be opened as the store: it is a directory',
  ],
])('serve with %s says which setting to mend', (_, env, sentence) => {
  const { status, stderr } = type(['serve'], { MLFLOW_AUTH_PASSWORD_ROUNDS: '4', ...env });
  expect(status).toBe(1);
  expect(stderr).toContain(sentence);
  expect(stderr.trim().split('\n')).toHaveLength(1);
});

test.each([
  ['import', ['import', 'missing.db'], 'missing.db cannot be opened'],
  ['check-config', ['check-config', '--connect'], 'The upstream: '],
  ['an unknown command', ['improt', 'basic_auth.db'], "error: unknown command 'improt'"],
  [
    'two options that contradict',
    ['create-admin', 'a', '--generate', '--keep-password'],
    'cannot be used with',
  ],
])('%s that fails ends with 1 and says why, without a stack', (_, args, sentence) => {
  const { status, stderr } = type(args);
  expect(status).toBe(1);
  expect(stderr).toContain(sentence);
  expect(stderr).not.toMatch(/^ +at /m);
});
