import type { IncomingHttpHeaders } from 'node:http';
import { type Home, rewriteAddresses } from './addresses.ts';

/**
 * Headers that tell who a user is, or claim to: none may come from a client. MLflow itself trusts
 * `X-MLFLOW-*` (workspace, and on `/gateway` what skips guardrails); the others are what applications and
 * plugins around it are known to believe.
 */
const IDENTITY =
  /^(?:x-mlflow-|x-forwarded|x-remote|remote-|x-auth|x-user|x-original-|x-rewrite-|x-real-|x-client-|x-webauth|x-sso|x-wp-|x-ms-client-|cf-|true-client-|proxy-|x-amzn-oidc-|x-goog-authenticated-|x-goog-iap-|x-pomerium-|x-vouch-|tailscale-|x-consumer-|x-credential-|x-envoy-|x-ssl-|ssl-|x-email|x-groups?$|x-roles?$|x-identity|x-principal|x-subject|x-tenant|x-jwt|x-id-token|x-access-token)/;

const STRIPPED: ReadonlySet<string> = new Set([
  'authorization',
  'cookie',
  'forwarded',
  'host',
  'origin',
  'referer',
  'via',
  'connection',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
  'http2-settings',
  // The AI gateway of MLflow 3.17 adds spans of its own to whatever trace this names, in whatever experiment it lies.
  'traceparent',
  'tracestate',
  // Names of another method or path, which routers of Python frameworks can be taught to believe.
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'script-name',
  'x-script-name',
  'path-info',
  // The gateway's own stands there.
  'x-request-id',
]);

const verdicts = new Map<string, boolean>();
const REMEMBERED_NAMES = 1000;

/**
 * Whether a client's header goes on to the upstream. A name with `_` never does: WSGI reads
 * `Remote_User` and `Remote-User` as one.
 */
export function passes(name: string): boolean {
  const known = verdicts.get(name);
  if (known !== undefined) {
    return known;
  }
  const verdict = !STRIPPED.has(name) && !name.includes('_') && !IDENTITY.test(name);
  if (verdicts.size < REMEMBERED_NAMES) {
    verdicts.set(name, verdict);
  }
  return verdict;
}

export interface Sender {
  /** The Host the upstream wants. */
  readonly host: string;
  /** Address of the client, as far as the gateway trusts what it was told. */
  readonly ip: string;
  readonly protocol: string;
  /** Of this request: the client's own, or the gateway's. */
  readonly requestId: string;
  /** Client headers of an identity kind that the row reads and judges, such as `x-mlflow-run-id`. */
  readonly judged?: readonly string[];
  /** Names of client headers that do not go on beside those that never do. */
  readonly without?: ReadonlySet<string>;
}

/**
 * The headers that the upstream gets: the client's without identity, and what the gateway knows itself.
 *
 * @returns each name, and behind it what the header says.
 */
export function upstreamHeaders(headers: IncomingHttpHeaders, sender: Sender): string[] {
  const { judged, without } = sender;
  // uvicorn believes this header from loopback, where the gateway may well sit: always the real client.
  const sent = ['host', sender.host, 'x-forwarded-for', sender.ip];
  sent.push('x-forwarded-proto', sender.protocol, 'x-request-id', sender.requestId);
  for (const name in headers) {
    const value = headers[name];
    const goesOn = without?.has(name) !== true && (passes(name) || judged?.includes(name));
    if (value !== undefined && goesOn) {
      sent.push(name, Array.isArray(value) ? value.join(', ') : String(value));
    }
  }
  return sent;
}

const NONE: readonly string[] = [];

/** Headers that a sender says are for the next hop alone (RFC 9110, section 7.6.1). */
function namedByConnection(connection: string | undefined): readonly string[] {
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') {
    return NONE;
  }
  return connection.split(',').map((name) => name.trim().toLowerCase());
}

/** What clients name in `Connection`: how long it lasts, and headers that never go on, named or not. */
const CONNECTION_OPTIONS: ReadonlySet<string> = new Set([
  '',
  'close',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'upgrade',
  'http2-settings',
]);

/**
 * The first name in a client's `Connection` that is for more than the next hop. A proxy drops what is named there
 * (RFC 9110, section 7.6.1): a header that was judged, such as Content-Encoding, would be missing upstream, and the
 * request read another way.
 */
export function foreignConnectionOption(connection: string | undefined): string | undefined {
  return namedByConnection(connection).find((name) => !CONNECTION_OPTIONS.has(name));
}

/** Headers that ask for a part of a reply, or for none: dropped where the whole reply is judged. */
const PARTIAL: ReadonlySet<string> = new Set([
  'accept-encoding',
  'range',
  'if-range',
  'if-none-match',
  'if-modified-since',
  'if-match',
  'if-unmodified-since',
  'content-length',
]);

/** Headers of a request whose reply the gateway reads itself, and so asks for whole. */
export function exchangeHeaders(headers: IncomingHttpHeaders, sender: Sender): Record<string, string> {
  const given = upstreamHeaders(headers, { ...sender, without: PARTIAL });
  const sent: Record<string, string> = {};
  for (let at = 0; at < given.length; at += 2) {
    sent[given[at] ?? ''] = given[at + 1] ?? '';
  }
  return sent;
}

const UNWRITABLE = /[^\t\x20-\x7e\x80-\xff]/;
const UNWRITABLE_EACH = new RegExp(UNWRITABLE, 'g');

const DROPPED_FROM_REPLIES: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'server',
  'date',
  'set-cookie',
  'set-cookie2',
  'www-authenticate',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-connection',
  'te',
  // Node refuses to send it without chunks, and what it announces is dropped.
  'trailer',
  'upgrade',
  // The gateway's own stands there.
  'x-request-id',
  // What they say holds for the whole address, which is the gateway's.
  'alt-svc',
  'clear-site-data',
  'strict-transport-security',
]);

/**
 * The upstream's reply headers without those of its own connection and its CORS rules: who may read
 * a reply across origins is the gateway's to say. Addresses of the upstream become paths of the gateway.
 *
 * @param path - what was asked for, without the prefix.
 */
export function replyHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  home: Home,
  path: string,
): Record<string, string | string[]> {
  const sent: Record<string, string | string[]> = {};
  const { connection } = headers;
  const hop = namedByConnection(Array.isArray(connection) ? connection.join(',') : connection);
  for (const name in headers) {
    const value = headers[name];
    if (
      value !== undefined &&
      !DROPPED_FROM_REPLIES.has(name) &&
      !hop.includes(name) &&
      !name.startsWith('access-control-')
    ) {
      sent[name] = Array.isArray(value) ? value.map(writable) : writable(value);
    }
  }
  rewriteAddresses(sent, home, path);
  return sent;
}

/** Less what must not stand in a header (RFC 9110, section 5.5): Node would rather not answer at all. */
function writable(value: string): string {
  return UNWRITABLE.test(value) ? value.replaceAll(UNWRITABLE_EACH, '') : value;
}
