/** A provider is the one that the settings name, whoever else it calls itself. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import { readProviders } from '../../src/config/providers.ts';
import { createProviderFetch } from '../../src/identity/oidc/fetch.ts';
import { discoverBy } from '../../src/identity/oidc/provider.ts';
import { temporaryDirectory } from '../store/temporary.ts';
import { writeCertificates } from '../support/certificates.ts';
import { listen } from '../support/listen.ts';
import { AUDIENCE, startFakeProvider } from '../support/provider.ts';
import { byToken } from '../support/tokens.ts';
import { openGateway } from '../support/use-gateway.ts';

const TENANT = 'https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0';

/** Asks a provider that calls itself so. */
function discover(written: string, issuer: string) {
  const values = { issuer: written, client_id: 'gateway' };
  const texts = Object.entries(values).map(([key, text]) => [key, { text, origin: key }] as const);
  const { providers, problems } = readProviders(new Map([['entra', new Map(texts)]]));
  const [config] = providers;
  expect(problems).toEqual([]);
  if (config === undefined) {
    throw new Error('there is no provider');
  }
  const document = { issuer, jwks_uri: 'https://login.microsoftonline.com/keys' };
  return discoverBy(config, async () => Response.json(document), undefined);
}

test('it is taken under its own name', async () => {
  expect((await discover(TENANT, TENANT)).issuer).toBe(TENANT);
});

test.each([
  'https://login.microsoftonline.com/{tenantid}/v2.0',
  'https://login.microsoftonline.com/6babcaad-604b-40ac-a9d7-9fd97c0b779f/v2.0',
  'https://sso.example.com',
])('it is not taken as %s, whose users would be taken too', async (issuer) => {
  await expect(discover(TENANT, issuer)).rejects.toThrow(`it calls itself ${issuer}`);
});

test('what it answers is read to a megabyte, and no further by being packed', async () => {
  const packed = (bytes: number) => gzipSync(Buffer.alloc(bytes, ' '));
  const answers: Readonly<Record<string, Buffer>> = {
    '/small': packed(1000),
    '/large': packed(50 * 1024 ** 2),
  };
  const server = await listen(
    createServer(({ url = '' }, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(answers[url]);
    }),
  );
  const { fetch, close } = createProviderFetch({ ca: undefined, timeoutMs: 5_000 });
  expect((await (await fetch(`${server.uri}/small`, {})).text()).length).toBe(1000);
  const large = await fetch(`${server.uri}/large`, {});
  await expect(large.text()).rejects.toThrow(/more than it may/);
  await close();
  await server.close();
});

test.each([
  ['the authority of its certificate', 'ca.pem', 200],
  ['another authority', 'other.pem', 503],
  ['no authority', undefined, 503],
])('one of a private authority, with %s in ca_file', async (_, file, status) => {
  const dir = temporaryDirectory();
  writeCertificates(dir);
  const at = (name: string) => join(dir, name);
  const tls = { cert: readFileSync(at('server.pem')), key: readFileSync(at('server.key')) };
  const provider = await startFakeProvider(tls);
  onTestFinished(() => provider.close());
  const { gateway } = await openGateway({
    fake: true,
    settings: {
      oidc: {
        op: { issuer: provider.uri, audience: AUDIENCE, ...(file !== undefined && { ca_file: at(file) }) },
      },
    },
  });
  const token = await provider.sign({ sub: 'p', preferred_username: 'p' });
  const answer = await byToken(gateway.url, token).get('/api/2.0/mlflow/users/current');
  expect(answer.status).toBe(status);
});
