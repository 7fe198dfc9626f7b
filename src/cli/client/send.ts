import { EnvHttpProxyAgent, request } from 'undici';
import { CommandFailure, refused } from '../failure.ts';
import type { Connection } from './connection.ts';
import { isJsonObject, type JsonObject } from './json.ts';

/** One request of MLflow's REST API: `path` is the version and what follows `mlflow/`, as in `2.0 users/get`. */
export interface Call {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: `${'2.0' | '3.0'} ${string}`;
}

/** What a call carries: the query of a GET, the JSON body of anything else. */
export type Input = Readonly<Record<string, string | number | boolean>>;

/** What a request carries once its plan is made: unlike what is typed, a body may hold objects and lists. */
export type Sent = Readonly<Record<string, Input[string] | JsonObject | readonly number[] | null>>;

/** Makes a call; throws {@link ServerRefusal} or, when nothing answers, a CommandFailure. */
export type Send = (call: Call, input: Sent) => Promise<JsonObject>;

/** Looks at an address of the server, such as `/api/2.0/mlflow/experiments/get?experiment_id=7`. */
export type Ask = (target: string) => Promise<{ readonly status: number; readonly bytes: Buffer }>;

/** The server's no, in its own words. */
export class ServerRefusal extends Error {
  override readonly name = 'ServerRefusal';
  readonly status: number;
  /** MLflow's `error_code`; undefined when the answer was not MLflow's JSON. */
  readonly code: string | undefined;
  /** What the client knows besides. */
  readonly remark: string | undefined;

  constructor(status: number, code: string | undefined, message: string, remark?: string) {
    super(message);
    this.status = status;
    this.code = code;
    this.remark = remark;
  }
}

/** A way to the server, to be closed in the end. */
export interface Line {
  readonly send: Send;
  readonly ask: Ask;
  /**
   * The body of the answer to a GET, as it comes.
   *
   * @throws ServerRefusal as {@link Send} does, before anything comes.
   */
  read(call: Call, input: Input): AsyncGenerator<Uint8Array>;
  close(): Promise<void>;
}

/**
 * Opens a way to the server.
 *
 * @param timeoutMs - for one request with its answer, in milliseconds.
 */
export function openLine(connection: Connection, timeoutMs: number): Line {
  const dispatcher = dispatcherFor(connection);
  const { baseUri, authorization, workspace } = connection;

  /** Redirects are not followed: one could carry the credentials elsewhere (RFC 9110, 15.4). */
  const open = (method: Call['method'], target: string, options: { body?: string; signal?: AbortSignal }) =>
    request(`${baseUri}${target}`, {
      method,
      dispatcher,
      headersTimeout: timeoutMs,
      headers: {
        accept: 'application/json',
        ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(authorization === undefined ? {} : { authorization }),
        ...(workspace === undefined ? {} : { 'x-mlflow-workspace': workspace }),
      },
      ...options,
    });

  async function exchange(method: Call['method'], target: string, body?: string): Promise<Answer> {
    try {
      const signal = AbortSignal.timeout(timeoutMs);
      const answer = await open(method, target, { signal, ...(body === undefined ? {} : { body }) });
      return {
        status: answer.statusCode,
        location: answer.headers['location'],
        bytes: Buffer.from(await answer.body.arrayBuffer()),
      };
    } catch (error) {
      throw unreachable(baseUri, error, timeoutMs);
    }
  }

  return {
    ask: (target) => exchange('GET', target),
    async *read(call, input) {
      try {
        const { statusCode, headers, body } = await open('GET', targetOf(call, input), {});
        if (statusCode >= 300) {
          const bytes = Buffer.from(await body.arrayBuffer());
          readAnswer({ status: statusCode, location: headers['location'], bytes }, baseUri);
        }
        yield* body;
      } catch (error) {
        throw error instanceof ServerRefusal || error instanceof CommandFailure
          ? error
          : unreachable(baseUri, error, timeoutMs);
      }
    },
    async send(call, input) {
      const body = call.method === 'GET' ? undefined : JSON.stringify(input);
      return readAnswer(await exchange(call.method, targetOf(call, input), body), baseUri);
    },
    close: () => dispatcher.destroy(),
  };
}

function dispatcherFor({ tls, proxies }: Connection): EnvHttpProxyAgent {
  const { rejectUnauthorized, ca, clientPem } = tls;
  const connect = {
    rejectUnauthorized,
    ...(ca === undefined ? {} : { ca }),
    ...(clientPem === undefined ? {} : { cert: clientPem, key: clientPem }),
  };
  return new EnvHttpProxyAgent({
    connect,
    requestTls: connect,
    httpProxy: proxies.http,
    httpsProxy: proxies.https,
    noProxy: proxies.except,
  });
}

function targetOf({ method, path }: Call, input: Sent): string {
  const [version, name] = path.split(' ');
  const query = new URLSearchParams();
  for (const [key, value] of method === 'GET' ? Object.entries(input) : []) {
    query.append(key, String(value));
  }
  return `/api/${version}/mlflow/${name}${query.size > 0 ? `?${query}` : ''}`;
}

interface Answer {
  readonly status: number;
  readonly location: string | readonly string[] | undefined;
  readonly bytes: Buffer;
}

function readAnswer({ status, location, bytes }: Answer, baseUri: string): JsonObject {
  const text = bytes.toString('utf8');
  const body = parseObject(text);
  if (status >= 300 && status < 400) {
    throw refused(
      `${baseUri} answers from another address (${location ?? 'not named'}); set MLFLOW_TRACKING_URI to that one.`,
    );
  }
  if (status >= 400) {
    const { error_code: code, message } = body ?? {};
    throw new ServerRefusal(
      status,
      typeof code === 'string' ? code : undefined,
      typeof message === 'string' ? message : plainText(text),
    );
  }
  if (body === undefined) {
    throw refused(`${baseUri} did not answer in JSON; is MLFLOW_TRACKING_URI the address of the gateway?`);
  }
  return body;
}

function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = text.trim() === '' ? {} : JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** MLflow sends some refusals as a bare sentence; a page of HTML says nothing here. */
function plainText(text: string): string {
  return text.length <= 300 && !text.includes('<') ? text.trim() : '';
}

/** What to check, by the code of the failed connection. */
const NETWORK_HINTS: readonly [code: RegExp, says: string, hint: string][] = [
  [/ECONNREFUSED/, 'nothing listens there', 'Is the gateway running, and is MLFLOW_TRACKING_URI right?'],
  [/ENOTFOUND|EAI_AGAIN/, 'no such host', 'Check the host name in MLFLOW_TRACKING_URI.'],
  [
    /CERT|SELF_SIGNED|UNABLE_TO_|ALTNAME/,
    'its certificate is not trusted',
    'Name the authority that signed it in MLFLOW_TRACKING_SERVER_CERT_PATH.',
  ],
  [
    /SSL|TLS|EPROTO/,
    'no common TLS',
    'Check http or https in MLFLOW_TRACKING_URI, and the client certificate.',
  ],
];

function unreachable(baseUri: string, error: unknown, timeoutMs: number): Error {
  if (error instanceof Error && error.name === 'TimeoutError') {
    return refused(`${baseUri} did not answer within ${timeoutMs / 1000} seconds. Try again in a moment.`);
  }
  const code = codesOf(error).join(' ');
  const [, says, hint] = NETWORK_HINTS.find(([pattern]) => pattern.test(code)) ?? [];
  return refused(
    `Cannot reach ${baseUri}: ${says ?? (code || 'the connection broke')}. ${hint ?? 'Check MLFLOW_TRACKING_URI and the network.'}`,
  );
}

/** The codes along the chain of causes; a failed connection to several addresses holds one for each. */
function codesOf(error: unknown): string[] {
  if (!(error instanceof Error)) {
    return [];
  }
  const own = 'code' in error && typeof error.code === 'string' ? [error.code] : [];
  const inner = error instanceof AggregateError ? error.errors.flatMap(codesOf) : [];
  return [...own, ...inner, ...codesOf(error.cause)];
}
