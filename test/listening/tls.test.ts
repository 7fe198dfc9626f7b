import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import {
  copyFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type ConnectionOptions, connect } from 'node:tls';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { readScrape } from '../metrics/scrape.ts';
import { writeCertificates } from '../support/certificates.ts';
import { freePort } from '../support/free-port.ts';
import { ADMIN, type Settings, type TestGateway } from '../support/gateway.ts';
import { startGatewayProcess } from '../support/gateway-process.ts';
import { openGateway, useFakeUpstream } from '../support/use-gateway.ts';

const dir = mkdtempSync(join(tmpdir(), 'tls-'));
const at = (name: string) => join(dir, name);
const ca = () => readFileSync(at('ca.pem'));
/** What the gateway of a test reads; the test puts there what it wants. */
const FILES = { tls_cert_file: at('in-use.pem'), tls_key_file: at('in-use.key') };

const upstream = useFakeUpstream();
beforeAll(() => writeCertificates(dir));
beforeEach(() => put('server', 'server'));
afterAll(() => rmSync(dir, { recursive: true }));

function put(cert: string, key: string): void {
  copyFileSync(at(`${cert}.pem`), FILES.tls_cert_file);
  copyFileSync(at(`${key}.key`), FILES.tls_key_file);
}

async function start(overrides: Settings = {}): Promise<TestGateway> {
  const { gateway } = await openGateway({ upstream: upstream.uri, settings: { ...FILES, ...overrides } });
  return gateway;
}

async function ask(url: string, path: string, headers: Record<string, string> = {}) {
  return new Promise<{ status: number | undefined; text: string; hsts: string | undefined; subject: string }>(
    (resolve, reject) => {
      const asked = request(new URL(path, url), { ca: ca(), headers, agent: false }, async (answer) => {
        const { subject } = (answer.socket as import('node:tls').TLSSocket).getPeerCertificate();
        const hsts = answer.headers['strict-transport-security'];
        resolve({ status: answer.statusCode, text: await text(answer), hsts, subject: String(subject.CN) });
      });
      asked.on('error', reject);
      asked.end();
    },
  );
}

/** What a handshake comes to: the protocol and the cipher, or the code of its failure. */
function shakeHands(url: string, options: ConnectionOptions): Promise<string> {
  const { port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect({ port: Number(port), host: '127.0.0.1', ca: ca(), ...options }, () => {
      resolve(`${socket.getProtocol()} ${socket.getCipher().name}`);
      socket.destroy();
    });
    socket.on('error', (error: Error & { code?: string }) => resolve(`failed: ${error.code}`));
  });
}

const credentials = { authorization: `Basic ${btoa(`${ADMIN.username}:${ADMIN.password}`)}` };

test('with a certificate the gateway speaks https alone', async () => {
  const gateway = await start();
  expect(gateway.url).toMatch(/^https:/);
  expect(await ask(gateway.url, '/health')).toMatchObject({ status: 200, text: 'OK', subject: 'server' });
  expect((await ask(gateway.url, '/api/2.0/mlflow/users/current', credentials)).status).toBe(200);
  await expect(fetch(gateway.url.replace('https:', 'http:'))).rejects.toThrow();
  expect(await shakeHands(gateway.url, { ca: readFileSync(at('other.pem')) })).toMatch(/^failed: /);
});

test('MLflow is told that the client came by https', async () => {
  const gateway = await start();
  await ask(gateway.url, '/api/2.0/anything', credentials);
  expect(upstream.arrived.at(-1)?.headers['x-forwarded-proto']).toBe('https');
});

test('only protocols and ciphers with forward secrecy and authenticated encryption are spoken', async () => {
  const { url } = await start();
  expect(await shakeHands(url, {})).toMatch(/^TLSv1.3 /);
  expect(await shakeHands(url, { maxVersion: 'TLSv1.2' })).toMatch(/^TLSv1.2 ECDHE-ECDSA-.*(?:GCM|CHACHA20)/);
  const old: ConnectionOptions = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' };
  expect(await shakeHands(url, old)).toMatch(/^failed: /);
  const cbc: ConnectionOptions = { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA256' };
  expect(await shakeHands(url, cbc)).toMatch(/^failed: /);
});

describe('a certificate that is replaced', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    onTestFinished(() => {
      vi.useRealTimers();
    });
  });

  const subject = async ({ url }: TestGateway) => (await ask(url, '/health')).subject;
  const complaints = ({ log }: TestGateway) =>
    log.filter(({ level }) => level === 50).map(({ err }) => String((err as Error).message));

  test('is in use within ten seconds, a link that is turned too', async () => {
    const gateway = await start();
    put('next', 'next');
    vi.advanceTimersByTime(10_000);
    expect(await subject(gateway)).toBe('next');

    symlinkSync(at('server.pem'), at('turned'));
    renameSync(at('turned'), FILES.tls_cert_file);
    copyFileSync(at('server.key'), FILES.tls_key_file);
    vi.advanceTimersByTime(10_000);
    expect(await subject(gateway)).toBe('server');
    rmSync(FILES.tls_cert_file);
  });

  test.each([
    ['is not of its key', () => put('next', 'server'), 'is not the key of'],
    ['is none', () => writeFileSync(FILES.tls_cert_file, 'nonsense'), 'holds no certificate'],
    ['has a key that is none', () => writeFileSync(FILES.tls_key_file, 'nonsense'), 'holds no private key'],
    ['is gone', () => rmSync(FILES.tls_key_file), 'cannot be read (ENOENT)'],
  ])('but %s leaves the old one in use, and is logged once', async (_what, spoil, complaint) => {
    const gateway = await start();
    spoil();
    vi.advanceTimersByTime(10_000);
    vi.advanceTimersByTime(10_000);
    expect(await subject(gateway)).toBe('server');
    expect(complaints(gateway)).toEqual([expect.stringContaining(complaint)]);
    put('next', 'next');
    vi.advanceTimersByTime(10_000);
    expect(await subject(gateway)).toBe('next');
  });

  test('and that ends soon is warned of, once a day', async () => {
    const warnings = (gateway: TestGateway) =>
      gateway.log.filter(({ msg }) => String(msg).startsWith('the certificate ends soon')).length;
    const gateway = await start();
    expect(warnings(gateway)).toBe(0);
    put('ending', 'server');
    vi.advanceTimersByTime(10_000);
    vi.advanceTimersByTime(10_000);
    expect(warnings(gateway)).toBe(1);
  });

  test('tells Prometheus when the one in use ends', async () => {
    const gateway = await start({ metrics_port: String(await freePort()) });
    const told = async () => {
      const answer = await fetch(`${gateway.server.metricsUrl}/metrics`);
      return readScrape(await answer.text()).series('mlflow_gateway_certificate_end_seconds')[''];
    };
    const endOf = (name: string) =>
      new X509Certificate(readFileSync(at(`${name}.pem`))).validToDate.getTime();
    expect(await told()).toBe(endOf('server') / 1000);
    put('ending', 'server');
    vi.advanceTimersByTime(10_000);
    expect(await told()).toBe(endOf('ending') / 1000);
    expect(endOf('ending')).not.toBe(endOf('server'));
  });
});

test('SIGHUP has the certificate read at once, and ends nothing', async () => {
  const gateway = await startGatewayProcess(upstream.uri, at('hup.db'), {
    MLFLOW_AUTH_TLS_CERT_FILE: FILES.tls_cert_file,
    MLFLOW_AUTH_TLS_KEY_FILE: FILES.tls_key_file,
  });
  put('next', 'next');
  process.kill(gateway.pid, 'SIGHUP');
  await expect.poll(async () => (await ask(gateway.url, '/health')).subject, { timeout: 3_000 }).toBe('next');
  expect(await gateway.end('SIGTERM')).toBe(0);
});

describe('a start', () => {
  const failing = (overrides: Settings) => expect(start(overrides)).rejects;

  test('fails with a sentence where a file is missing, or the key is another’s', async () => {
    await failing({ tls_cert_file: at('nowhere.pem') }).toThrow('nowhere.pem cannot be read (ENOENT)');
    await failing({ tls_key_file: at('next.key') }).toThrow(/next\.key is not the key of .*in-use\.pem/);
    await failing({ upstream_ca_file: at('server.key') }).toThrow('holds no certificate');
  });
});

test('Strict-Transport-Security is sent over https alone, on every answer, where it is set', async () => {
  const { url } = await start({ hsts_seconds: '3600' });
  const answers = [await ask(url, '/health'), await ask(url, '/nowhere'), await ask(url, '/x', credentials)];
  expect(answers.map(({ hsts }) => hsts)).toEqual(Array(3).fill('max-age=3600'));

  const without = await start();
  expect((await ask(without.url, '/health')).hsts).toBeUndefined();

  const settings = { hsts_seconds: '60', trusted_proxies: 'loopback' };
  const { gateway: behindProxy } = await openGateway({ upstream: upstream.uri, settings });
  const sent = (proto: string) =>
    fetch(`${behindProxy.url}/health`, { headers: { 'x-forwarded-proto': proto } });
  expect((await sent('https')).headers.get('strict-transport-security')).toBe('max-age=60');
  expect((await sent('http')).headers.has('strict-transport-security')).toBe(false);
});

test('an https upstream is trusted by its authority alone', async () => {
  const https = await import('node:https');
  const server = https.createServer(
    { cert: readFileSync(at('server.pem')), key: readFileSync(at('server.key')) },
    (asked, answer) => answer.end(asked.url === '/version' ? '3.17.2' : '{}'),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const uri = `https://localhost:${(server.address() as import('node:net').AddressInfo).port}`;
  const status = async (settings: Settings) => {
    const { admin } = await openGateway({ upstream: uri, settings });
    return (await admin.get('/api/2.0/anything')).status;
  };
  expect(await status({ upstream_ca_file: at('ca.pem') })).toBe(200);
  expect(await status({ upstream_ca_file: at('other.pem') })).toBe(503);
  expect(await status({})).toBe(503);
  server.close();
});

test('connections that nothing is asked on do not hold up the end', async () => {
  const gateway = await start({ drain_seconds: '30' });
  const idle = connect({ port: Number(new URL(gateway.url).port), host: '127.0.0.1', ca: ca() });
  await once(idle, 'secureConnect');
  const [closed] = await Promise.all([
    once(idle, 'close', { signal: AbortSignal.timeout(5_000) }),
    gateway.close(),
  ]);
  expect(closed).toBeDefined();
});
