import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type Listening, listen } from './listen.ts';
import { NEWEST } from './mlflow.ts';

/** A version that is no release: requests may have the fields of all of them. */
export const NO_RELEASE = `${NEWEST}.dev0`;

/** A request as it arrived upstream; the body as far as the handler let it be read. */
export interface Arrived {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Names as they stood on the wire. */
  readonly names: readonly string[];
  readonly body: Buffer;
}

/** Answers one request; the body has not been read yet. Undefined leaves it to {@link FakeUpstream}'s default. */
export type Answering = (request: IncomingMessage, response: ServerResponse) => unknown;

export interface FakeUpstream extends Listening {
  /** What arrived and was answered by the default: everything but what the gateway asks by itself. */
  readonly arrived: readonly Arrived[];
  /** Replaces what every request gets from now on; without it 200 and `{}`. */
  answer(answering: Answering | undefined): void;
  /** Replaces what it says of itself when the gateway asks for that: JSON, or the status of a failure. */
  tell(info: object | number): void;
}

/** An upstream that does what no MLflow can be made to do: hang, break off, answer garbage, tell what it got. */
export async function startFakeUpstream(
  first?: Answering,
  version = NO_RELEASE,
  info: object | number = {},
): Promise<FakeUpstream> {
  const arrived: Arrived[] = [];
  let answering = first;
  let told = info;
  const server = createServer(async (request, response) => {
    if (request.url === '/version') {
      response.end(version);
      return;
    }
    if (tellsNoExperiments(request, response) || tells(told, request, response)) {
      return;
    }
    if (answering !== undefined) {
      answering(request, response);
      return;
    }
    const body = await bytesOf(request).catch(() => undefined);
    if (body === undefined) {
      return;
    }
    if (!isAskedAtStart(request)) {
      arrived.push(arrivedAs(request, body));
    }
    response.setHeader('content-type', 'application/json');
    response.end('{}');
  });
  return {
    ...(await listen(server)),
    arrived,
    answer(next) {
      answering = next;
    },
    tell(next) {
      told = next;
    },
  };
}

/** Answers what it is that the gateway asks by itself now and then (src/mlflow/things/workspaces.ts). */
function tells(info: object | number, { url, headers }: IncomingMessage, response: ServerResponse): boolean {
  const isAsked = headers['x-forwarded-for'] === undefined && url === '/api/3.0/mlflow/server-info';
  if (isAsked) {
    response.writeHead(typeof info === 'number' ? info : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(typeof info === 'number' ? {} : info));
  }
  return isAsked;
}

/** What the gateway asks by itself when it starts, in no client's name and at no certain moment (src/mlflow/survey.ts). */
const ASKED_AT_START: ReadonlySet<string | undefined> = new Set([
  '/',
  '/api/2.0/mlflow/experiments/get?experiment_id=0',
  '/api/2.0/mlflow-artifacts/artifacts?path=0',
]);

export function isAskedAtStart({ url, headers }: IncomingMessage): boolean {
  return headers['x-forwarded-for'] === undefined && ASKED_AT_START.has(url);
}

/**
 * Answers what the gateway asks by itself now and then, which experiment has which id (src/gateway/reused-ids/census.ts),
 * as an MLflow that keeps none; false for any other request.
 */
export function tellsNoExperiments({ url, headers }: IncomingMessage, response: ServerResponse): boolean {
  const isAsked =
    headers['x-forwarded-for'] === undefined &&
    url?.startsWith('/api/2.0/mlflow/experiments/search?') === true &&
    url.includes('view_type=ALL&order_by=experiment_id+DESC');
  if (isAsked) {
    response.writeHead(503).end('disabled due to the mlflow server running in `--artifacts-only` mode');
  }
  return isAsked;
}

export function arrivedAs(request: IncomingMessage, body: Buffer): Arrived {
  return {
    method: request.method ?? '',
    url: request.url ?? '',
    headers: request.headers,
    names: request.rawHeaders.filter((_, index) => index % 2 === 0),
    body,
  };
}

export async function bytesOf(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
