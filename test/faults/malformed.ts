import { connect } from 'node:net';
import type { Person } from '../support/gateway.ts';

/** What became of requests that were sent. */
export interface Flooded {
  /** How many got each status; 0 are connections closed without an answer. */
  readonly statuses: Readonly<Record<number, number>>;
  /** Requests that got a failure of the server, as they were sent. */
  readonly failures: readonly string[];
  /** Requests that got nothing in time, as they were sent. */
  readonly hung: readonly string[];
}

const PATIENCE_MS = 20_000;
const ID = '0123456789abcdef0123456789abcdef';

/** Requests that MLflow's own clients send, from which the malformed ones are made. */
const SAMPLES: readonly (readonly [string, string])[] = [
  ['GET /api/2.0/mlflow/experiments/get?experiment_id=1', ''],
  [`GET /ajax-api/2.0/mlflow/runs/get?run_id=${ID}&run_uuid=${ID}`, ''],
  ['POST /api/2.0/mlflow/experiments/create', '{"name":"a","tags":[{"key":"k","value":"v"}]}'],
  ['POST /api/2.0/mlflow/runs/search', '{"experiment_ids":["1","2"],"max_results":5,"filter":"a = \'b\'"}'],
  [
    'POST /api/2.0/mlflow/runs/log-batch',
    `{"run_id":"${ID}","metrics":[{"key":"a","value":1e3,"step":"9007199254740993"}]}`,
  ],
  [
    'POST /graphql',
    '{"query":"query Q($d: MlflowGetRunInput!) { mlflowGetRun(input: $d) { run { info { runId } } } }","variables":{"d":{"runId":"x"}}}',
  ],
  ['PUT /api/2.0/mlflow-artifacts/artifacts/1/a/artifacts/x%20y.txt', 'bytes'],
  ['GET /api/2.0/mlflow-artifacts/artifacts?path=1%2F..%2F2', ''],
  [
    'PATCH /api/2.0/mlflow/users/update-password',
    '{"username":"nobody","password":"a long enough password"}',
  ],
  ['GET /api/3.0/mlflow/traces/search', '{"locations":[]}'],
  ['POST /v1/traces', '\n\x04\n\x02\b\x01'],
  ['DELETE /api/2.0/mlflow/registered-models/delete', '{"name":"a/b"}'],
];
/** What parsers trip over. */
const ODD = [
  '\0',
  '\r',
  '\n',
  '\r\n\r\n',
  ' ',
  '\t',
  '%',
  '%00',
  '%2e%2e%2f',
  '%c0%af',
  '%ff',
  '//',
  '\\',
  ';',
  '?',
  '#',
  '&',
  '=',
  '[]',
  '{',
  '}',
  '"',
  '\\u0000',
  '\\ud800',
  '-0',
  '1e999',
  '9'.repeat(400),
  'null',
  'true',
  '\u00e9',
  '\xff\xfe',
  '__proto__',
  '[[[[[[[[',
  'Content-Length: 5\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Expect: 100-continue\r\n',
  'Upgrade: websocket\r\n',
  'x'.repeat(9_000),
] as const;
const HEADERS = [
  'Content-Type: application/json',
  'Content-Type: text/plain; charset=utf-16',
  'Content-Type: application/x-protobuf',
  'Content-Encoding: gzip',
  'Accept: text/html',
  'Range: bytes=5-1',
  'X-Forwarded-For: ,,',
  'Cookie: =;;',
  'Host: b',
  'Connection: keep-alive, x',
  'Origin: null',
  'X-Request-Id: \x7f',
  'Accept-Encoding: *;q=9',
] as const;

/** Random numbers from 0 to 1 that come again with the same seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    return ((state ^ (state >>> 13)) >>> 0) / 0x1_0000_0000;
  };
}

/** One malformed request, as bytes in Latin-1. */
function malformed(random: () => number, credentials: string): string {
  const pick = <T>(from: readonly T[]) => from[Math.floor(random() * from.length)] as T;
  const [line, body] = pick(SAMPLES);
  const headers = [`Host: a`, credentials, ...(random() < 0.5 ? [pick(HEADERS)] : [HEADERS[0]])];
  const length = random() < 0.8 ? Buffer.byteLength(body, 'latin1') : Math.floor(random() * 50);
  let request = `${line} HTTP/1.1\r\n${headers.join('\r\n')}\r\nConnection: close\r\nContent-Length: ${length}\r\n\r\n${body}`;
  const protectedTo = request.indexOf(credentials);
  for (let changes = Math.floor(random() * 3); changes >= 0; changes -= 1) {
    const at = Math.floor(random() * request.length);
    // The credentials stay right: what is wrong with those is told from nothing else.
    if (at < protectedTo || at > protectedTo + credentials.length) {
      const cut = random() < 0.5 ? Math.floor(random() * 4) : 0;
      request = request.slice(0, at) + (random() < 0.8 ? pick(ODD) : '') + request.slice(at + cut);
    }
  }
  return request;
}

/** Sends malformed requests of a user, some at a time, each on a connection of its own that is closed when all is sent. */
export async function flood(
  url: string,
  by: Person,
  { count, seed }: { count: number; seed: number },
): Promise<Flooded> {
  const random = seeded(seed);
  const credentials = `Authorization: Basic ${btoa(`${by.username}:${by.password}`)}`;
  const statuses: Record<number, number> = {};
  const failures: string[] = [];
  const hung: string[] = [];
  let left = count;
  async function keepSending(): Promise<void> {
    while (left > 0) {
      left -= 1;
      const request = malformed(random, credentials);
      const status = await statusOf(url, request);
      if (status === undefined) {
        hung.push(request);
      } else {
        statuses[status] = (statuses[status] ?? 0) + 1;
        if (status >= 500) {
          failures.push(request);
        }
      }
    }
  }
  await Promise.all(Array.from({ length: 32 }, keepSending));
  return { statuses, failures, hung };
}

/** The status of the last answer; 0 if there is none, undefined if nothing comes in time. */
function statusOf(url: string, request: string): Promise<number | undefined> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(Number(port), hostname);
    socket.setTimeout(PATIENCE_MS, () => {
      resolve(undefined);
      socket.destroy();
    });
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      resolve(Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1] ?? 0));
    });
    socket.end(Buffer.from(request, 'latin1'));
  });
}
