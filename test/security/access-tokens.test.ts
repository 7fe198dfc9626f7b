/**
 * A JWT lets nobody in but the one whom a configured provider means by it, for this gateway, now: each request here was
 * let in by some system of this kind.
 */
import { createHmac } from 'node:crypto';
import { CompactEncrypt, type CryptoKey, exportSPKI, importJWK, type JWTPayload } from 'jose';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { unique } from '../support/gateway.ts';
import {
  AUDIENCE,
  type FakeProvider,
  makeKey,
  type ProviderKey,
  startFakeProvider,
} from '../support/provider.ts';
import { byToken } from '../support/tokens.ts';
import { useGateway } from '../support/use-gateway.ts';

let provider: FakeProvider;
let other: FakeProvider;
let stranger: ProviderKey;

beforeAll(async () => {
  provider = await startFakeProvider();
  other = await startFakeProvider();
  stranger = await makeKey('first');
});
afterAll(async () => {
  await provider.close();
  await other.close();
});

const { gateway, upstream } = useGateway({
  fake: true,
  settings: async () => ({
    oidc: {
      main: { issuer: provider.uri, audience: AUDIENCE },
      parties: { issuer: other.uri, audience: AUDIENCE, authorized_parties: 'trainer' },
    },
  }),
});

const CURRENT = '/api/2.0/mlflow/users/current';
const now = () => Math.floor(Date.now() / 1000);
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Whom a good token means. */
const somebody = (more: JWTPayload = {}): JWTPayload => {
  const name = unique('somebody');
  return { sub: name, preferred_username: name, ...more };
};

const ask = (token: string) => byToken(gateway.url, token).get(CURRENT);

test('a good token lets its user in, in each form that providers give it', async () => {
  const claims = somebody();
  for (const token of [
    await provider.sign(claims),
    await provider.sign(claims, { typ: 'JWT' }),
    await provider.sign({ ...claims, typ: 'Bearer', nonce: 'n' }, { typ: 'JWT' }),
    await provider.sign({ ...claims, aud: ['account', AUDIENCE] }),
    await provider.sign({ ...claims, exp: now() - 10 }),
    await provider.sign({ ...claims, iat: now() + 10, nbf: now() + 10 }),
  ]) {
    const { status, json } = await ask(token);
    expect({ status, name: json.user?.username }).toEqual({ status: 200, name: claims.sub });
    expect(json.credential.kind).toBe('oidc');
  }
});

/** Tokens that must let nobody in, by what is wrong with them. */
const WRONG: readonly (readonly [what: string, make: () => Promise<string>])[] = [
  [
    'alg: none',
    async () =>
      `${encode({ alg: 'none', typ: 'at+jwt' })}.${(await provider.sign(somebody())).split('.')[1]}.`,
  ],
  [
    'alg: none with a signature',
    async () => {
      const [, payload, signature] = (await provider.sign(somebody())).split('.');
      return `${encode({ alg: 'None', typ: 'at+jwt', kid: 'first' })}.${payload}.${signature}`;
    },
  ],
  [
    'HS256 with the public key in PEM as its secret',
    async () => {
      const key = await importJWK(provider.key.publicJwk, 'RS256', { extractable: true });
      return signedByHmac(await exportSPKI(key as CryptoKey));
    },
  ],
  [
    'HS256 with the public key as it is named',
    async () => signedByHmac(JSON.stringify(provider.key.publicJwk)),
  ],
  ['HS256 with an empty secret', async () => signedByHmac('')],
  ['the key of another under the same kid', async () => provider.sign(somebody(), {}, stranger)],
  ['a kid that is not known', async () => provider.sign(somebody(), { kid: 'second' }, stranger)],
  ['a kid that is a path', async () => provider.sign(somebody(), { kid: '../../../../dev/null' }, stranger)],
  [
    'a kid that is a statement',
    async () => provider.sign(somebody(), { kid: "x' union select 'key" }, stranger),
  ],
  [
    'no kid',
    async () => {
      const { kid: _, ...header } = { kid: undefined, alg: 'RS256' };
      return provider.sign(somebody(), { ...header, kid: undefined as unknown as string }, stranger);
    },
  ],
  ['its own key in jwk', async () => provider.sign(somebody(), { jwk: stranger.publicJwk }, stranger)],
  ['its own keys in jku', async () => provider.sign(somebody(), { jku: `${other.uri}/keys` }, other.key)],
  [
    'its own certificate in x5u',
    async () => provider.sign(somebody(), { x5u: `${other.uri}/keys` }, other.key),
  ],
  [
    'a crit that nobody understands',
    async () => {
      const token = await provider.sign(somebody());
      return `${encode({ alg: 'RS256', typ: 'at+jwt', kid: 'first', crit: ['b64'], b64: false })}.${token.split('.')[1]}.${token.split('.')[2]}`;
    },
  ],
  [
    'a token of another provider that says it is of this one',
    async () => other.sign({ ...somebody(), iss: provider.uri }),
  ],
  [
    'an issuer that nobody configured',
    async () => provider.sign(somebody({ iss: 'https://sso.example.com' })),
  ],
  [
    'an issuer that only begins alike',
    async () => provider.sign(somebody({ iss: `${provider.uri}.example.com` })),
  ],
  ['no issuer', async () => provider.sign(somebody({ iss: undefined as unknown as string }))],
  [
    'an issuer that is a list',
    async () => provider.sign(somebody({ iss: [provider.uri] as unknown as string })),
  ],
  ['another audience', async () => provider.sign(somebody({ aud: 'another' }))],
  ['an audience in which ours is a part', async () => provider.sign(somebody({ aud: `${AUDIENCE}-other` }))],
  ['no audience', async () => provider.sign(somebody({ aud: undefined as unknown as string }))],
  ['no end', async () => provider.sign(somebody({ exp: undefined as unknown as number }))],
  ['its end behind it', async () => provider.sign(somebody({ exp: now() - 61 }))],
  [
    'an end that is a text',
    async () => provider.sign(somebody({ exp: String(now() + 300) as unknown as number })),
  ],
  ['its beginning before it', async () => provider.sign(somebody({ nbf: now() + 61 }))],
  ['an issue in the future', async () => provider.sign(somebody({ iat: now() + 61 }))],
  ['no subject', async () => provider.sign({ preferred_username: unique('x') })],
  ['an empty subject', async () => provider.sign({ ...somebody(), sub: '' })],
  ['the typ of a logout token', async () => provider.sign(somebody(), { typ: 'logout+jwt' })],
  ['the typ of another kind', async () => provider.sign(somebody(), { typ: 'dpop+jwt' })],
  [
    'an id token, as Keycloak says it',
    async () => provider.sign({ ...somebody(), typ: 'ID' }, { typ: 'JWT' }),
  ],
  [
    'a refresh token, as Keycloak says it',
    async () => provider.sign({ ...somebody(), typ: 'Refresh' }, { typ: 'JWT' }),
  ],
  ['an id token with a nonce', async () => provider.sign({ ...somebody(), nonce: 'n' }, { typ: 'JWT' })],
  [
    'an id token with a hash of an access token',
    async () => provider.sign({ ...somebody(), at_hash: 'h' }, { typ: 'JWT' }),
  ],
  [
    'an id token for the client that it was given to',
    async () => provider.sign({ ...somebody(), azp: AUDIENCE, scope: undefined }, { typ: 'JWT' }),
  ],
  ['an azp that is no text', async () => provider.sign({ ...somebody(), azp: ['a-client'] })],
  [
    'a tampered payload',
    async () => {
      const [header, , signature] = (await provider.sign(somebody())).split('.');
      return `${header}.${encode({ iss: provider.uri, aud: AUDIENCE, iat: now(), exp: now() + 300, ...somebody() })}.${signature}`;
    },
  ],
  [
    'a tampered signature',
    async () => {
      const token = await provider.sign(somebody());
      return token.slice(0, -8) + (token.endsWith('AAAAAAAA') ? 'BBBBBBBB' : 'AAAAAAAA');
    },
  ],
  ['no signature', async () => (await provider.sign(somebody())).replace(/[^.]*$/, '')],
  ['nothing in it', async () => '..'],
  ['no JSON in it', async () => `${Buffer.from('{').toString('base64url')}.e30.AA`],
  [
    'encryption in place of a signature',
    async () =>
      new CompactEncrypt(Buffer.from(encode(somebody())))
        .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM' })
        .encrypt(await importJWK({ ...provider.key.publicJwk, alg: 'RSA-OAEP-256' }, 'RSA-OAEP-256')),
  ],
];

function signedByHmac(secret: string): string {
  const claims = { iss: provider.uri, aud: AUDIENCE, iat: now(), exp: now() + 300, ...somebody() };
  const said = `${encode({ alg: 'HS256', typ: 'at+jwt', kid: 'first' })}.${encode(claims)}`;
  return `${said}.${createHmac('sha256', secret).update(said).digest('base64url')}`;
}

describe('a token is refused, and nothing is asked of MLflow, with', () => {
  test.each(WRONG)('%s', async (_, make) => {
    const token = await make();
    const before = (await gateway.server.store.users.list()).length;
    const { status, text } = await ask(token);
    expect({ status, told: text.includes('You are not authenticated') }).toEqual({
      status: 401,
      told: !text.includes('expired'),
    });
    expect((await byToken(gateway.url, token).get('/api/2.0/mlflow/experiments/search')).status).toBe(401);
    expect(upstream.arrived).toEqual([]);
    expect(await gateway.server.store.users.list()).toHaveLength(before);
  });
});

test('a token of a client that is none of authorized_parties is refused, whatever it is for', async () => {
  const sign = (claims: JWTPayload) => other.sign({ ...somebody(), ...claims });
  expect((await ask(await sign({ azp: 'trainer' }))).status).toBe(200);
  expect((await ask(await sign({ azp: undefined, client_id: 'trainer' }))).status).toBe(200);
  expect((await ask(await sign({ azp: 'another' }))).status).toBe(401);
  expect((await ask(await sign({ azp: undefined }))).status).toBe(401);
  expect((await ask(await sign({ azp: 'trainer', client_id: 'another' }))).status).toBe(401);
});

test('a token is not asked for but as a bearer: in a query, a body or HTTP basic it opens nothing', async () => {
  const token = await provider.sign(somebody());
  const { anonymous } = gateway;
  expect((await anonymous.get(`${CURRENT}?access_token=${token}`)).status).toBe(401);
  expect((await anonymous.post('/api/2.0/mlflow/experiments/search', { access_token: token })).status).toBe(
    401,
  );
  expect((await gateway.as('admin', token).get(CURRENT)).status).toBe(401);
});

test('no token stands in the log or the audit log', async () => {
  const token = await provider.sign(somebody());
  await ask(token);
  await ask(await provider.sign(somebody({ exp: now() - 100 })));
  const [, , signature = ''] = token.split('.');
  // An entry is found a second later.
  const { json } = await vi.waitFor(async () => {
    const found = await gateway.admin.get('/api/2.0/mlflow/audit/search?max_results=1000');
    expect(found.text).toContain('it has expired');
    return found;
  }, 10_000);
  expect(JSON.stringify([gateway.log, json])).not.toContain(signature.slice(0, 40));
});

test('made-up kids have the keys of the provider asked for no more than once within half a minute', async () => {
  await ask(await provider.sign(somebody()));
  await ask(await provider.sign(somebody(), { kid: 'made-up' }, stranger));
  const before = provider.asked.get('/keys');
  for (let count = 0; count < 20; count += 1) {
    expect((await ask(await provider.sign(somebody(), { kid: `made-up-${count}` }, stranger))).status).toBe(
      401,
    );
  }
  expect(provider.asked.get('/keys')).toBe(before);
});
