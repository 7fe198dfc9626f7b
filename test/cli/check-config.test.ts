import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { checkConfig } from '../../src/cli/check-config.ts';
import { SETTING_NAMES } from '../../src/config.ts';
import { addUser, open, temporaryDirectory, temporaryUri } from '../store/temporary.ts';
import { writeCertificates } from '../support/certificates.ts';
import { OLDEST, sharedMlflow } from '../support/mlflow.ts';
import { startFakeProvider } from '../support/provider.ts';
import { type Ran, ran, type StoreSurroundings } from './io.ts';

const checking = (surroundings: StoreSurroundings, connect = false): Promise<Ran> =>
  ran((io) => checkConfig({ connect }, io), surroundings);

test('shows every setting in force and where they come from', async () => {
  const cwd = temporaryDirectory();
  writeFileSync(join(cwd, 'my.ini'), '[mlflow]\nport = 6000\ndefault_permission = READ\n');
  const { code, stdout, stderr } = await checking({
    cwd,
    env: { MLFLOW_AUTH_CONFIG_PATH: 'my.ini', MLFLOW_AUTH_PORT: '7000' },
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain('Settings from my.ini');
  expect(stdout).toContain('\nport = 7000\n');
  expect(stdout).toContain('\ndefault_permission = READ\n');
  expect(stdout).toContain('\nupstream_host = (not set)\n');
  const keys = stdout.split('\n').flatMap((line) => /^(\w+) = /.exec(line)?.[1] ?? []);
  expect(keys).toEqual(SETTING_NAMES);
});

test('shows no secret', async () => {
  const secret = 'a password that is long';
  const { stdout } = await checking({ env: { MLFLOW_AUTH_ADMIN_PASSWORD: secret } });
  expect(stdout).toContain('\nadmin_password = (set, not shown)\n');
  expect(stdout).not.toContain(secret);
});

test('tries certificate and key', async () => {
  const dir = temporaryDirectory();
  writeCertificates(dir);
  const withPair = (cert: string, key: string) =>
    checking({
      env: { MLFLOW_AUTH_TLS_CERT_FILE: join(dir, cert), MLFLOW_AUTH_TLS_KEY_FILE: join(dir, key) },
    });
  // These commands live in 1970.
  expect(await withPair('server.pem', 'server.key')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/\nTLS: the certificate does not hold before 20/),
  });
  const { code, stderr } = await withPair('server.pem', 'next.key');
  expect(code).toBe(1);
  expect(stderr).toMatch(/^TLS: .*next\.key is not the key of/);
});

test('says what is odd', async () => {
  const { code, stdout } = await checking({ env: { MLFLOW_AUTH_PROT: '5000' } });
  expect(code).toBe(0);
  expect(stdout).toContain('Warning: MLFLOW_AUTH_PROT is not a setting; did you mean MLFLOW_AUTH_PORT?');
});

test('names every problem at once', async () => {
  const { code, stdout, stderr } = await checking({
    env: { MLFLOW_AUTH_PORT: 'x', MLFLOW_AUTH_LOG_LEVEL: 'loud' },
  });
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/MLFLOW_AUTH_PORT: write .*\n.*MLFLOW_AUTH_LOG_LEVEL: write /);
});

describe('with --connect', () => {
  test('tries the store on a copy, and MLflow', async () => {
    const uri = temporaryUri();
    const store = await open(uri);
    await addUser(store, 'alice');
    await addUser(store, 'root', true);
    const { socketUri } = await sharedMlflow(OLDEST);
    const { code, stdout, stderr } = await checking(
      { databaseUri: uri, env: { MLFLOW_AUTH_UPSTREAM_URI: socketUri } },
      true,
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('The store: it opens; users: 2, of these admins: 1\n');
    expect(stdout).toContain('The upstream: it is MLflow 2.15.1; every operation of this version has a row');
  });

  test('makes no store, and fails when MLflow does not answer', async () => {
    const directory = temporaryDirectory();
    const { code, stdout, stderr } = await checking(
      {
        databaseUri: `sqlite:///${join(directory, 'gateway.db')}`,
        env: { MLFLOW_AUTH_UPSTREAM_URI: `unix:${join(directory, 'nobody.sock')}` },
      },
      true,
    );
    expect(code).toBe(1);
    expect(stdout).toContain('The store: there is none yet');
    expect(stderr).toMatch(/^The upstream: .*cannot be reached.*ENOENT/);
    expect(readdirSync(directory)).toEqual([]);
  });

  test.each([
    [
      'another program’s',
      (file: string) => new Sqlite(file).exec('create table users (id)').close(),
      'it is not a store of this gateway',
    ],
    ['a text', (file: string) => writeFileSync(file, 'no pages '.repeat(100)), 'it is not a database'],
    ['a directory', (file: string) => mkdirSync(file), 'it is a directory'],
  ])('fails when the store is %s', async (_, write, reason) => {
    const file = join(temporaryDirectory(), 'other.db');
    write(file);
    const { code, stderr } = await checking({ databaseUri: `sqlite:///${file}` }, true);
    expect(code).toBe(1);
    expect(stderr).toContain(`The store: ${file} cannot be opened as the store: ${reason}.`);
  });

  test('fails when there is no directory for the store', async () => {
    const file = join(temporaryDirectory(), 'missing', 'gateway.db');
    const { code, stderr } = await checking({ databaseUri: `sqlite:///${file}` }, true);
    expect(code).toBe(1);
    expect(stderr).toContain('cannot be opened as the store: there is no such directory');
  });
});

describe('providers of single sign-on', () => {
  test('are shown, each under its heading', async () => {
    const { code, stdout } = await checking({
      env: {
        MLFLOW_AUTH_OIDC_MY_SSO_ISSUER: 'https://sso.example.com',
        MLFLOW_AUTH_OIDC_MY_SSO_AUDIENCE: 'mlflow, another',
        MLFLOW_AUTH_OIDC_MY_SSO_CLIENT_ID: 'gateway',
        MLFLOW_AUTH_OIDC_MY_SSO_CLIENT_SECRET: 'x',
      },
    });
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /\[oidc\.my-sso\]\nissuer = https:\/\/sso\.example\.com\nclient_id = gateway\nclient_secret = \(set, not shown\)\n[^[]*audience = mlflow, another\n/,
    );
  });

  test('are asked with --connect: for what they say of themselves, their keys and the time', async () => {
    const provider = await startFakeProvider();
    const env = { MLFLOW_AUTH_OIDC_SSO_ISSUER: provider.uri, MLFLOW_AUTH_OIDC_SSO_AUDIENCE: 'mlflow' };
    // These commands live in 1970.
    expect((await checking({ env }, true)).stderr).toMatch(
      /The provider sso: the clock of .* is \d+ s ahead of/,
    );
    provider.fails = 'error';
    expect((await checking({ env }, true)).stderr).toContain('The provider sso: ');
    await provider.close();
  });
});
