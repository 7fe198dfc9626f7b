import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import {
  type CryptoKey,
  exportJWK,
  generateKeyPair,
  type JWK,
  type JWTHeaderParameters,
  type JWTPayload,
  SignJWT,
} from 'jose';
import { type Listening, listen } from './listen.ts';

/** A key of a provider, and what is told of it. */
export interface ProviderKey {
  readonly kid: string;
  readonly algorithm: string;
  readonly privateKey: CryptoKey;
  readonly publicJwk: JWK;
}

/** A provider of single sign-on that says and signs what a real one cannot be made to. */
export interface FakeProvider extends Listening {
  /** How often each path was asked for. */
  readonly asked: ReadonlyMap<string, number>;
  readonly key: ProviderKey;
  /** The keys that it names from now on. */
  keys: readonly JWK[];
  /** What it does in place of answering: nothing at all, an error, or an answer of another. */
  fails: 'hangs' | 'error' | 'garbage' | undefined;
  /** What its discovery document says besides. */
  discovery: Readonly<Record<string, unknown>>;
  /** Signs a token that is good, but for what is said. */
  sign(claims?: JWTPayload, header?: Partial<JWTHeaderParameters>, by?: ProviderKey): Promise<string>;
}

/** Whom its tokens are for. */
export const AUDIENCE = 'mlflow';

export async function makeKey(kid: string, algorithm = 'RS256'): Promise<ProviderKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
  return { kid, algorithm, privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid, alg: algorithm } };
}

/** @param tls - certificate and key, both PEM, to be reached by https. */
export async function startFakeProvider(tls?: {
  readonly cert: Buffer;
  readonly key: Buffer;
}): Promise<FakeProvider> {
  const key = await makeKey('first');
  const asked = new Map<string, number>();
  const answer: RequestListener = ({ url = '' }, response) => {
    asked.set(url, (asked.get(url) ?? 0) + 1);
    if (provider.fails === 'hangs') {
      return;
    }
    if (provider.fails !== undefined) {
      response.writeHead(provider.fails === 'error' ? 500 : 200, { 'content-type': 'application/json' });
      response.end('<p>Something');
      return;
    }
    const documents: Readonly<Record<string, unknown>> = {
      '/.well-known/openid-configuration': {
        issuer: provider.uri,
        jwks_uri: `${provider.uri}/keys`,
        ...provider.discovery,
      },
      '/keys': { keys: provider.keys },
    };
    const document = documents[url];
    response.writeHead(document === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(document ?? {}));
  };
  const provider: FakeProvider = {
    ...(await listen(tls === undefined ? createServer(answer) : createTlsServer(tls, answer))),
    asked,
    key,
    keys: [key.publicJwk],
    fails: undefined,
    discovery: {},
    async sign(claims = {}, header = {}, by = key) {
      const now = Math.floor(Date.now() / 1000);
      const all: Record<string, unknown> = {
        ...{ iss: provider.uri, aud: AUDIENCE, iat: now, exp: now + 300, azp: 'a-client', scope: 'openid' },
        ...claims,
      };
      const said = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
      return new SignJWT(said)
        .setProtectedHeader({ alg: by.algorithm, typ: 'at+jwt', kid: by.kid, ...header })
        .sign(by.privateKey);
    },
  };
  return provider;
}
