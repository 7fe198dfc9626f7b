import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { checkReady } from '../../src/cli/check-ready.ts';
import { writeCertificates } from '../support/certificates.ts';
import { freePort } from '../support/free-port.ts';
import { openGateway } from '../support/use-gateway.ts';
import { run } from './io.ts';

const checking = (env: Record<string, string>) => run(checkReady, { env });

test('tells a gateway that is ready, one that is not, and none', async () => {
  const { gateway, upstream } = await openGateway({ fake: true, settings: { static_prefix: '/ml' } });
  const { port } = new URL(gateway.url);
  // Wherever it listens, and whatever prefix it has.
  const env = { MLFLOW_AUTH_PORT: port, MLFLOW_AUTH_HOST: '0.0.0.0', MLFLOW_AUTH_STATIC_PREFIX: '/ml' };
  expect(await checking(env)).toEqual({ code: 0, stdout: 'ready\n', stderr: '' });
  await upstream.close();
  await expect
    .poll(() => checking(env), { timeout: 5_000 })
    .toEqual({ code: 1, stdout: 'upstream\n', stderr: '' });
  expect((await checking({ MLFLOW_AUTH_PORT: String(await freePort()) })).code).toBe(1);
});

test('asks one with a certificate by https', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'ready-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  writeCertificates(dir);
  const [tls_cert_file, tls_key_file] = [join(dir, 'server.pem'), join(dir, 'server.key')];
  const { gateway } = await openGateway({ fake: true, settings: { tls_cert_file, tls_key_file } });
  const env = {
    MLFLOW_AUTH_PORT: new URL(gateway.url).port,
    MLFLOW_AUTH_TLS_CERT_FILE: tls_cert_file,
    MLFLOW_AUTH_TLS_KEY_FILE: tls_key_file,
  };
  expect((await checking(env)).code).toBe(0);
});
