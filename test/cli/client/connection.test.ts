import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createProxy, request as forward } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Connection, readConnection } from '../../../src/cli/client/connection.ts';
import { readCredentialsFile } from '../../../src/cli/client/credentials-file.ts';
import { isOpenToOthers } from '../../../src/cli/client/read-texts.ts';
import { writeCertificates } from '../../support/certificates.ts';
import { startFake } from './fake-server.ts';
import { run } from './run.ts';

const PYTHON = join(process.env['MLFLOW_TEST_VENVS'] ?? '.venv', 'mlflow-3.17.2', 'bin', 'python');
const skipped = !existsSync(PYTHON) && process.env['CI'] === undefined;

const URI = 'http://gateway:5000';
const FILE = '[mlflow]\nmlflow_tracking_username = file-user\nmlflow_tracking_password = file-pass\n';

function read(
  env: Record<string, string>,
  files: Record<string, string> = {},
  trackingUri?: string,
  openToOthers = false,
): Connection {
  return readConnection({
    isOpenToOthers: () => openToOthers,
    env: { MLFLOW_TRACKING_URI: URI, ...env },
    home: '/home/alice',
    trackingUri,
    readFile: (path) => {
      const text = files[path];
      if (text === undefined) {
        throw new Error('ENOENT');
      }
      return text;
    },
  });
}

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

describe('credentials, by the precedence of MLflow', () => {
  const CREDENTIALS = { '/home/alice/.mlflow/credentials': FILE };
  const USER = { MLFLOW_TRACKING_USERNAME: 'env-user' };
  const BOTH = { ...USER, MLFLOW_TRACKING_PASSWORD: 'env-pass' };
  const TOKEN = { MLFLOW_TRACKING_TOKEN: 'env-token' };

  test.each<
    [what: string, env: Record<string, string>, files: Record<string, string>, sent: string | undefined]
  >([
    ['nothing', {}, {}, undefined],
    ['the environment', BOTH, {}, basic('env-user:env-pass')],
    ['the environment before the file', BOTH, CREDENTIALS, basic('env-user:env-pass')],
    ['the file', {}, CREDENTIALS, basic('file-user:file-pass')],
    [
      'a user name of the environment with the password of the file',
      USER,
      CREDENTIALS,
      basic('env-user:file-pass'),
    ],
    [
      'a password of the environment with the user name of the file',
      { MLFLOW_TRACKING_PASSWORD: 'env-pass' },
      CREDENTIALS,
      basic('file-user:env-pass'),
    ],
    [
      'an empty variable counts as unset',
      { MLFLOW_TRACKING_USERNAME: '' },
      CREDENTIALS,
      basic('file-user:file-pass'),
    ],
    ['a token', TOKEN, {}, 'Bearer env-token'],
    ['a user name and password before a token', { ...BOTH, ...TOKEN }, {}, basic('env-user:env-pass')],
    ['the file before a token', TOKEN, CREDENTIALS, basic('file-user:file-pass')],
    ['a token before half a pair', { ...USER, ...TOKEN }, {}, 'Bearer env-token'],
    [
      'letters beyond ASCII as UTF-8',
      { ...BOTH, MLFLOW_TRACKING_PASSWORD: 'pä:ß' },
      {},
      basic('env-user:pä:ß'),
    ],
    [
      'the address itself before all',
      { ...BOTH, MLFLOW_TRACKING_URI: 'http://uri%40user:p%25@gateway:5000' },
      {},
      basic('uri@user:p%'),
    ],
  ])('%s', (_, env, files, sent) => {
    expect(read(env, files).authorization).toBe(sent);
  });
});

describe('a file of credentials that other accounts may read', () => {
  const CREDENTIALS = { '/home/alice/.mlflow/credentials': FILE };
  const BOTH = { MLFLOW_TRACKING_USERNAME: 'env-user', MLFLOW_TRACKING_PASSWORD: 'env-pass' };

  test('is warned of where its password is used', () => {
    expect(read({}, CREDENTIALS, undefined, true).warnings).toEqual([
      'other accounts of this machine may read the password in ~/.mlflow/credentials: chmod 600 ~/.mlflow/credentials',
    ]);
  });

  test.each<[what: string, env: Record<string, string>, files: Record<string, string>, open: boolean]>([
    ['is its owner’s alone', {}, CREDENTIALS, false],
    ['is not needed', BOTH, CREDENTIALS, true],
    ['is not there', {}, {}, true],
    [
      'holds no password',
      {},
      { '/home/alice/.mlflow/credentials': '[mlflow]\nmlflow_tracking_username = a\n' },
      true,
    ],
  ])('is not warned of when it %s', (_, env, files, open) => {
    expect(read(env, files, undefined, open).warnings).toEqual([]);
  });

  test.each([
    [0o600, false],
    [0o700, false],
    [0o640, true],
    [0o604, true],
    [0o644, true],
  ])('is told by its mode %o', (mode, open) => {
    const file = join(mkdtempSync(join(tmpdir(), 'credentials-')), 'credentials');
    writeFileSync(file, FILE);
    chmodSync(file, mode);
    expect(isOpenToOthers(file)).toBe(open);
    rmSync(dirname(file), { recursive: true });
    expect(isOpenToOthers(file)).toBe(false);
  });
});

describe('the address', () => {
  test.each<[env: string, option: string | undefined, baseUri: string]>([
    ['http://gateway:5000/', undefined, 'http://gateway:5000'],
    ['https://host/a/prefix/', undefined, 'https://host/a/prefix'],
    ['http://user:pass@gateway:5000', undefined, 'http://gateway:5000'],
    ['http://gateway:5000', 'http://other:1', 'http://other:1'],
    ['http://gateway:5000', '', 'http://gateway:5000'],
  ])('%s and --tracking-uri %s: %s', (env, option, baseUri) => {
    expect(read({ MLFLOW_TRACKING_URI: env }, {}, option).baseUri).toBe(baseUri);
  });

  test.each([
    '',
    'databricks',
    'file:///mlruns',
    'sqlite:///m.db',
    'gateway:5000',
    'postgresql://u:hunter2@db/x',
  ])('%j is refused without being repeated', (uri) => {
    expect(() => read({ MLFLOW_TRACKING_URI: uri })).toThrow(
      expect.objectContaining({ exitCode: 2, message: expect.not.stringContaining('hunter2') }),
    );
  });
});

describe('TLS settings', () => {
  const HTTPS = { MLFLOW_TRACKING_URI: 'https://gateway' };

  test.each([
    ['true', false],
    ['True', false],
    ['1', false],
    ['false', true],
    ['0', true],
    ['', true],
  ])('MLFLOW_TRACKING_INSECURE_TLS=%s', (value, rejectUnauthorized) => {
    expect(read({ ...HTTPS, MLFLOW_TRACKING_INSECURE_TLS: value }).tls.rejectUnauthorized).toBe(
      rejectUnauthorized,
    );
  });

  test.each([
    [{ MLFLOW_TRACKING_INSECURE_TLS: 'yes' }, /true or false/],
    [{ MLFLOW_TRACKING_INSECURE_TLS: 'true', MLFLOW_TRACKING_SERVER_CERT_PATH: '/ca.pem' }, /only one of/],
    [
      { MLFLOW_TRACKING_SERVER_CERT_PATH: '/gone.pem' },
      /MLFLOW_TRACKING_SERVER_CERT_PATH: \/gone.pem cannot be read/,
    ],
    [{ MLFLOW_TRACKING_CLIENT_CERT_PATH: '/gone.pem' }, /MLFLOW_TRACKING_CLIENT_CERT_PATH/],
  ])('%j is refused', (env, message) => {
    expect(() => read({ ...HTTPS, ...env })).toThrow(
      expect.objectContaining({ exitCode: 2, message: expect.stringMatching(message) }),
    );
  });

  test("MLflow's own bundle comes before the one of requests", () => {
    const files = { '/a.pem': 'A', '/b.pem': 'B' };
    const both = { ...HTTPS, MLFLOW_TRACKING_SERVER_CERT_PATH: '/a.pem', REQUESTS_CA_BUNDLE: '/b.pem' };
    expect(read(both, files).tls.ca).toBe('A');
    expect(read({ ...HTTPS, REQUESTS_CA_BUNDLE: '/b.pem' }, files).tls.ca).toBe('B');
  });
});

describe.skipIf(skipped)('with a real certificate', () => {
  let dir = '';
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'client-tls-'));
    writeCertificates(dir);
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  const ANSWERS = { 'GET /api/2.0/mlflow/users/current': [200, { user: { id: 1, username: 'a' } }] as const };
  const start = (more: object = {}) =>
    startFake(ANSWERS, {
      cert: readFileSync(join(dir, 'server.pem')),
      key: readFileSync(join(dir, 'server.key')),
      ...more,
    });

  test('the server is refused until its authority is named', async () => {
    const server = await start();
    const unknown = await run(['whoami'], { MLFLOW_TRACKING_URI: server.uri });
    expect(unknown.code).toBe(1);
    expect(unknown.stderr).toMatch(/certificate is not trusted.*MLFLOW_TRACKING_SERVER_CERT_PATH/);
    const named = { MLFLOW_TRACKING_URI: server.uri, MLFLOW_TRACKING_SERVER_CERT_PATH: join(dir, 'ca.pem') };
    expect(await run(['whoami'], named)).toMatchObject({ code: 0 });
    const unchecked = { MLFLOW_TRACKING_URI: server.uri, MLFLOW_TRACKING_INSECURE_TLS: 'true' };
    expect(await run(['whoami'], unchecked)).toMatchObject({ code: 0 });
    await server.stop();
  });

  test('a server that asks for a certificate is shown ours', async () => {
    const server = await start({
      requestCert: true,
      rejectUnauthorized: true,
      ca: readFileSync(join(dir, 'ca.pem')),
    });
    const env = { MLFLOW_TRACKING_URI: server.uri, MLFLOW_TRACKING_SERVER_CERT_PATH: join(dir, 'ca.pem') };
    expect(await run(['whoami'], env)).toMatchObject({ code: 1 });
    const shown = { ...env, MLFLOW_TRACKING_CLIENT_CERT_PATH: join(dir, 'client.pem') };
    expect(await run(['whoami'], shown)).toMatchObject({ code: 0 });
    await server.stop();
  });

  test('the authority counts through a proxy too', async () => {
    const server = await start();
    const proxy = await startProxy();
    const env = { MLFLOW_TRACKING_URI: server.uri, MLFLOW_TRACKING_SERVER_CERT_PATH: join(dir, 'ca.pem') };
    expect(await run(['whoami'], { ...env, https_proxy: proxy.uri })).toMatchObject({ code: 0 });
    expect(proxy.seen).toHaveLength(1);
    expect(await run(['whoami'], { ...env, https_proxy: proxy.uri, no_proxy: 'localhost' })).toMatchObject({
      code: 0,
    });
    expect(proxy.seen).toHaveLength(1);
    await proxy.stop();
    await server.stop();
  });
});

describe.skipIf(skipped)('~/.mlflow/credentials reads as Python reads it', () => {
  test.each([
    FILE,
    '',
    '[other]\nmlflow_tracking_username = a\n',
    '# c\n; c\n\n[mlflow]\nMLFLOW_TRACKING_USERNAME: alice\nmlflow_tracking_password=p;a#b "c" = d:e\n',
    '[mlflow]\r\nmlflow_tracking_username=alice\r\nmlflow_tracking_password = 100%%\r\n',
    '[DEFAULT]\nmlflow_tracking_password = shared\n[mlflow]\nmlflow_tracking_username = alice\n[x]\nmlflow_tracking_username = eve\n',
    "[mlflow]\nmlflow_tracking_username = 'quoted'\nmlflow_tracking_password =   spaces around   \n",
    '[mlflow]\nmlflow_tracking_username =\n',
  ])('%j', (text) => {
    const python = JSON.parse(execFileSync(PYTHON, ['-c', CONFIGPARSER], { input: text, encoding: 'utf8' }));
    const { username, password } = readCredentialsFile(text, 'the file');
    expect([username ?? null, password ?? null]).toEqual(python);
  });

  test.each([
    ['mlflow_tracking_username = a\n', /line 1 stands before any section/],
    ['[mlflow]\nhunter2\n', /line 2 is not a setting/],
    ['[mlflow]\nmlflow_tracking_password = hunter2\nmlflow_tracking_password = hunter2\n', /line 3 repeats/],
    ['[mlflow]\nmlflow_tracking_password = hunter2%\n', /write %% for a percent sign/],
  ])('%j fails as it fails there, in words that repeat no password', (text, words) => {
    const python = () =>
      execFileSync(PYTHON, ['-c', CONFIGPARSER], { input: text, encoding: 'utf8', stdio: 'pipe' });
    expect(python).toThrow(/configparser/);
    expect(() => readCredentialsFile(text, 'the file')).toThrow(
      expect.objectContaining({ exitCode: 2, message: expect.stringMatching(words) }),
    );
    expect(() => readCredentialsFile(text, 'the file')).not.toThrow(/hunter2/);
  });
});

const CONFIGPARSER = `
import configparser, json, sys
config = configparser.ConfigParser()
config.read_string(sys.stdin.read())
section = config["mlflow"] if "mlflow" in config else {}
print(json.dumps([section.get("mlflow_tracking_username"), section.get("mlflow_tracking_password")]))
`;

/** A forward proxy that remembers what it was asked for. */
async function startProxy(): Promise<{ uri: string; seen: string[]; stop(): Promise<void> }> {
  const seen: string[] = [];
  const proxy = createProxy((request, response) => {
    seen.push(String(request.url));
    request.pipe(forward(String(request.url), request, (answer) => answer.pipe(response)));
  });
  proxy.on('connect', (request, socket) => {
    seen.push(String(request.url));
    const [host, port] = String(request.url).split(':');
    const through = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      through.pipe(socket).pipe(through);
    });
    through.on('error', () => socket.destroy());
    socket.on('error', () => through.destroy());
  });
  proxy.listen(0, 'localhost');
  await once(proxy, 'listening');
  return {
    uri: `http://localhost:${(proxy.address() as AddressInfo).port}`,
    seen,
    async stop() {
      proxy.closeAllConnections();
      proxy.close();
      await once(proxy, 'close');
    },
  };
}
