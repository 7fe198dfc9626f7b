import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { exportJWK, generateKeyPair } from 'jose';
import Provider from 'oidc-provider';
import { type Listening, listen } from './listen.ts';
import type { CookieJar } from './sign-in.ts';

/** Somebody whom the provider knows. */
export interface KnownPerson {
  readonly groups?: readonly string[];
  readonly preferred_username?: string;
  readonly email?: string;
}

/** The certified provider, in this process. */
export interface RealProvider extends Listening {
  /** Whom it knows, by subject: changed by a test at will. One who is not there is refused. */
  readonly people: Map<string, KnownPerson>;
  /** Who is signed in there, whatever browser comes. */
  current: string;
  /** Makes it the provider of a gateway, once that has an address. */
  serve(gatewayUrl: string, client?: Readonly<Record<string, unknown>>): Promise<void>;
  /** How often its token endpoint was asked. */
  readonly tokenRequests: () => number;
  /** Whether it answers nothing but errors. */
  isDown: boolean;
  /** The status of these. */
  downStatus: number;
  /** A path at which alone it answers nothing but an error. */
  isDownAt: string | undefined;
}

export const CLIENT = { client_id: 'gateway', client_secret: 'a secret of the client' } as const;

/** @param accessTokenSeconds - how long what it says holds. */
export async function startRealProvider(accessTokenSeconds = 3600): Promise<RealProvider> {
  let handle: (request: IncomingMessage, response: ServerResponse) => unknown = (_, response) =>
    response.writeHead(503).end();
  let tokenRequests = 0;
  const server = createServer((request, response) => {
    tokenRequests += request.url === '/token' ? 1 : 0;
    return real.isDown || request.url === real.isDownAt
      ? response
          .writeHead(real.downStatus, { 'content-type': 'application/json' })
          .end('{"error":"temporarily_unavailable"}')
      : handle(request, response);
  });
  const real: RealProvider = {
    ...(await listen(server)),
    people: new Map(),
    current: '',
    isDown: false,
    downStatus: 500,
    isDownAt: undefined,
    tokenRequests: () => tokenRequests,
    async serve(gatewayUrl, client = CLIENT) {
      const provider = await providerFor(real, gatewayUrl, client, accessTokenSeconds);
      const callback = provider.callback();
      handle = (request, response) =>
        request.url?.startsWith('/interaction/') === true
          ? provider.interactionFinished(request, response, { login: { accountId: real.current } })
          : callback(request, response);
    },
  };
  return real;
}

async function providerFor(
  real: RealProvider,
  gatewayUrl: string,
  client: Readonly<Record<string, unknown>>,
  accessTokenSeconds: number,
): Promise<Provider> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const at = `${gatewayUrl}/auth/oidc/op`;
  const provider: Provider = new Provider(real.uri, {
    clients: [
      {
        ...client,
        redirect_uris: [`${at}/callback`],
        post_logout_redirect_uris: [`${gatewayUrl}/auth/sign-in`],
        backchannel_logout_uri: `${at}/back-channel-logout`,
        backchannel_logout_session_required: true,
        grant_types: ['authorization_code', 'refresh_token'],
      },
    ],
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: 'k' }] },
    cookies: { keys: ['for tests alone'] },
    claims: {
      openid: ['sub', 'sid'],
      profile: ['preferred_username', 'groups'],
      email: ['email', 'email_verified'],
    },
    conformIdTokenClaims: false,
    findAccount: (_: unknown, sub: string) => {
      const person = real.people.get(sub);
      return person && { accountId: sub, claims: () => ({ sub, ...person }) };
    },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (context: { body: string }, form: string) => {
          context.body = `<!doctype html><title>Leave</title>${form}<button autofocus type="submit" form="op.logoutForm" value="yes" name="logout">Yes</button>`;
        },
      },
    },
    // Its own brings an undici of another version than this one's fetch.
    fetch: (url: string, { dispatcher: _, ...options }: RequestInit & { dispatcher?: unknown }) =>
      fetch(url, options),
    interactions: { url: (_: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    issueRefreshToken: () => true,
    rotateRefreshToken: true,
    ttl: {
      AccessToken: accessTokenSeconds,
      IdToken: 3600,
      RefreshToken: 86_400,
      Session: 86_400,
      Grant: 86_400,
      Interaction: 600,
    },
    loadExistingGrant: async (context: {
      oidc: { session: { accountId: string }; client: { clientId: string } };
    }) => {
      const { accountId } = context.oidc.session;
      const grant = new provider.Grant({ accountId, clientId: context.oidc.client.clientId });
      grant.addOIDCScope('openid profile email');
      await grant.save();
      return grant;
    },
  });
  // A word that did not arrive fails the test that waits for it; why is seen here alone.
  provider.on('backchannel.error', (_, error) => console.error(error));
  return provider;
}

/** Goes on in a browser from an address of the provider until it leads back; answers the path and query to come back to. */
export async function goThrough(
  address: string,
  gatewayUrl: string,
  cookies = new Map<string, string>(),
): Promise<string> {
  let next = address;
  for (let steps = 0; steps < 10; steps += 1) {
    if (next.startsWith(gatewayUrl)) {
      return next.slice(gatewayUrl.length);
    }
    const answer = await fetch(next, {
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
    });
    for (const cookie of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      cookies.set(name, value);
    }
    const location = answer.headers.get('location');
    if (location === null) {
      throw new Error(`the provider answers ${answer.status} ${await answer.text()}`);
    }
    next = new URL(location, next).href;
  }
  throw new Error('the provider leads nowhere');
}

/** Begins a sign-in, and answers where the provider sends the browser back to. */
export async function beginAt(
  jar: CookieJar,
  gatewayUrl: string,
  next = '/',
  cookies?: Map<string, string>,
): Promise<string> {
  const begun = await jar.get(`/auth/oidc/op/start?next=${encodeURIComponent(next)}`);
  if (begun.status !== 303) {
    throw new Error(`beginning gives ${begun.status} ${begun.text}`);
  }
  return goThrough(String(begun.headers['location']), gatewayUrl, cookies);
}
