import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { writeCertificates } from '../support/certificates.ts';
import { freePort } from '../support/free-port.ts';
import { ADMIN } from '../support/gateway.ts';
import { isThere } from '../support/is-there.ts';
import { useGateway } from '../support/use-gateway.ts';

/** The example of the manual that begins with this fence. */
function exampleOf(language: string): string {
  const manual = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
  const [, example] = new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``).exec(manual) ?? [];
  if (example === undefined) {
    throw new Error(`the manual has no example in ${language}`);
  }
  return example;
}

const dir = mkdtempSync(join(tmpdir(), 'proxies-'));
const credentials = { authorization: `Basic ${btoa(`${ADMIN.username}:${ADMIN.password}`)}` };

const { gateway, upstream } = useGateway({
  fake: true,
  settings: { trusted_proxies: 'loopback', hsts_seconds: '60' },
});
beforeAll(async () => {
  writeCertificates(dir);
  // Workers of nginx are another user than the test.
  chmodSync(dir, 0o755);
});

afterAll(() => rmSync(dir, { recursive: true }));

/** The manual's example with the ports, names and files of this test; each must be there to be replaced. */
function adapted(example: string, replacements: Readonly<Record<string, string>>): string {
  return Object.entries(replacements).reduce((written, [from, to]) => {
    expect(written).toContain(from);
    return written.replaceAll(from, to);
  }, example);
}

const PROXIES = {
  nginx: (port: number) => {
    const server = adapted(exampleOf('nginx'), {
      'listen 443': `listen 127.0.0.1:${port}`,
      'mlflow.example.com': 'localhost',
      '/etc/ssl/mlflow.pem': join(dir, 'server.pem'),
      '/etc/ssl/mlflow.key': join(dir, 'server.key'),
      'http://127.0.0.1:5000': gateway.url,
    });
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map((each) => `${each}_temp_path ${dir}/${each};`)
      .join(' ');
    writeFileSync(
      join(dir, 'nginx.conf'),
      `daemon off; pid ${dir}/pid; error_log ${dir}/log; events {} http { access_log off; ${temporary} ${server} }`,
    );
    return spawn('nginx', ['-c', join(dir, 'nginx.conf'), '-p', dir], {
      env: pathWithSbin(),
      stdio: 'ignore',
    });
  },
  caddy: (port: number) => {
    const site = adapted(exampleOf('caddyfile'), {
      // Without an authority on the internet, which would be asked for a real name.
      'mlflow.example.com {': `https://localhost:${port} {\n  tls ${dir}/server.pem ${dir}/server.key`,
      '127.0.0.1:5000': new URL(gateway.url).host,
    });
    writeFileSync(join(dir, 'Caddyfile'), `{\n  admin off\n  auto_https off\n}\n${site}`);
    return spawn('caddy', ['run', '--config', join(dir, 'Caddyfile'), '--adapter', 'caddyfile'], {
      env: { ...pathWithSbin(), HOME: dir },
      stdio: 'ignore',
    });
  },
  traefik: (port: number) => {
    const routing = adapted(exampleOf('yaml\n# /etc/traefik/mlflow.yaml'), {
      'mlflow.example.com': 'localhost',
      '/etc/ssl/mlflow.pem': join(dir, 'server.pem'),
      '/etc/ssl/mlflow.key': join(dir, 'server.key'),
      'http://127.0.0.1:5000': gateway.url,
    });
    const process = adapted(exampleOf('yaml\n# /etc/traefik/traefik.yaml'), {
      "':443'": `'127.0.0.1:${port}'`,
      '/etc/traefik/mlflow.yaml': join(dir, 'mlflow.yaml'),
    });
    writeFileSync(join(dir, 'mlflow.yaml'), routing);
    writeFileSync(join(dir, 'traefik.yaml'), process);
    return spawn('traefik', [`--configFile=${dir}/traefik.yaml`], { env: pathWithSbin(), stdio: 'ignore' });
  },
} as const;

function pathWithSbin(): NodeJS.ProcessEnv {
  return { PATH: `${process.env['PATH']}:/usr/sbin` };
}

// Where the distribution has them; nothing else here needs them.
describe.each(['nginx', 'caddy', 'traefik'] as const)('behind %s, as the manual has it', (name) => {
  describe.skipIf(!isThere(name))('where it is installed', () => {
    let proxy: ChildProcess;
    let url: string;

    beforeAll(async () => {
      const port = await freePort();
      proxy = PROXIES[name](port);
      url = `https://localhost:${port}`;
      await vi.waitFor(async () => expect((await ask('GET', '/health')).status).toBe(200), 20_000);
    });

    afterAll(async () => {
      const ended = once(proxy, 'exit');
      proxy.kill('SIGTERM');
      await ended;
    });

    function ask(method: string, path: string, headers: Record<string, string> = {}, body?: Buffer) {
      return new Promise<{
        status: number | undefined;
        text: string;
        headers: NodeJS.Dict<string | string[]>;
      }>((resolve, reject) => {
        const ca = readFileSync(join(dir, 'ca.pem'));
        const asked = request(new URL(path, url), { method, ca, headers, agent: false }, async (answer) => {
          resolve({ status: answer.statusCode, text: await text(answer), headers: answer.headers });
        });
        asked.on('error', reject);
        asked.end(body);
      });
    }

    test('the gateway knows the client and that it came by https', async () => {
      const { status, headers } = await ask('GET', '/api/2.0/anything', {
        ...credentials,
        'x-forwarded-for': '6.6.6.6',
      });
      expect(status).toBe(200);
      expect(headers['strict-transport-security']).toBe('max-age=60');
      expect(upstream.arrived.at(-1)?.headers).toMatchObject({
        'x-forwarded-for': '127.0.0.1',
        'x-forwarded-proto': 'https',
      });
    });

    test('a page of this site may change things, one of another may not', async () => {
      const change = (origin: string) => ask('POST', '/api/2.0/anything', { ...credentials, origin });
      expect((await change(url)).status).toBe(200);
      expect((await change('https://evil.example')).status).toBe(403);
    });

    test('an upload larger than proxies take by default arrives whole', async () => {
      const body = Buffer.alloc(8 * 1024 * 1024, 'x');
      const path = '/api/2.0/mlflow-artifacts/artifacts/1/a/artifacts/large.bin';
      expect((await ask('PUT', path, credentials, body)).status).toBe(200);
      expect(upstream.arrived.at(-1)?.body.equals(body)).toBe(true);
    });

    test('an encoded name reaches MLflow as it was written', async () => {
      await ask('GET', '/api/2.0/mlflow/a%20b?name=c%2Fd+e', credentials);
      expect(upstream.arrived.at(-1)?.url).toBe('/api/2.0/mlflow/a%20b?name=c%2Fd+e');
      // The gateway itself passes the slash on as one.
      await ask('GET', '/ajax-api/3.0/mlflow/mcp-servers/org%2Fname', credentials);
      expect(upstream.arrived.at(-1)?.url).toBe('/ajax-api/3.0/mlflow/mcp-servers/org/name');
    });
  });
});
