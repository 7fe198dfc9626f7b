import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkReady } from '../../src/cli/check-ready.ts';
import { writeCertificates } from '../support/certificates.ts';
import { startFakeUpstream } from '../support/fake-upstream.ts';
import { freePort } from '../support/free-port.ts';
import { startGateway } from '../support/gateway.ts';
import { run } from './io.ts';

const checking = (env: Record<string, string>) => run(checkReady, { env });

test('tells a gateway that is ready, one that is not, and none', async () => {
  const upstream = await startFakeUpstream();
  const gateway = await startGateway(upstream.uri, { static_prefix: '/ml' });
  const { port } = new URL(gateway.url);
  // Wherever it listens, and whatever prefix it has.
  const env = { MLFLOW_AUTH_PORT: port, MLFLOW_AUTH_HOST: '0.0.0.0', MLFLOW_AUTH_STATIC_PREFIX: '/ml' };
  expect(await checking(env)).toEqual({ code: 0, stdout: 'ready\n', stderr: '' });
  await upstream.close();
  await expect
    .poll(() => checking(env), { timeout: 5_000 })
    .toEqual({ code: 1, stdout: 'upstream\n', stderr: '' });
  await gateway.close();
  expect((await checking({ MLFLOW_AUTH_PORT: String(await freePort()) })).code).toBe(1);
});

test('asks one with a certificate by https', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'ready-'));
  writeCertificates(dir);
  const upstream = await startFakeUpstream();
  const [tls_cert_file, tls_key_file] = [join(dir, 'server.pem'), join(dir, 'server.key')];
  const gateway = await startGateway(upstream.uri, { tls_cert_file, tls_key_file });
  const env = {
    MLFLOW_AUTH_PORT: new URL(gateway.url).port,
    MLFLOW_AUTH_TLS_CERT_FILE: tls_cert_file,
    MLFLOW_AUTH_TLS_KEY_FILE: tls_key_file,
  };
  expect((await checking(env)).code).toBe(0);
  await gateway.close();
  await upstream.close();
  rmSync(dir, { recursive: true });
});
