/**
 * An upstream that answers at once, to see what stands in front of it alone: `small-upstream.ts SOCKET EXPERIMENTS [MADE]`.
 * Every run belongs to experiment 1; a search answers from EXPERIMENTS rows that MLflow could have, made at MADE.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

const [socketPath, experiments, made = '1700000000000'] = process.argv.slice(2);

const experiment = (id: number) => ({
  experiment_id: String(id),
  name: `experiment ${id}`,
  artifact_location: `mlflow-artifacts:/${id}`,
  lifecycle_stage: 'active',
  last_update_time: Number(made),
  creation_time: Number(made),
});

const rows = Array.from({ length: Number(experiments) }, (_, index) => experiment(index + 1)).reverse();
const EXPERIMENT = JSON.stringify({ experiment: experiment(1) });
const RUN = (id: string) => {
  const info = { run_id: id, run_uuid: id, experiment_id: '1', status: 'RUNNING', start_time: 1 };
  return JSON.stringify({ run: { info, data: { params: [{ key: 'a', value: 'b' }] } } });
};
const BLOCK = Buffer.alloc(64 * 1024, 'x');

createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://localhost');
  if (url.pathname.includes('/mlflow-artifacts/')) {
    artifact(request, response, url);
  } else if (request.method === 'GET') {
    json(response, read(url));
  } else {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => json(response, write(url, Buffer.concat(chunks).toString('utf8'))));
  }
}).listen(socketPath, () => process.send?.('ready'));

function json(response: ServerResponse, body: string): void {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

function read(url: URL): string {
  if (url.pathname === '/version') {
    return '3.17.2';
  }
  if (url.pathname.endsWith('/experiments/get')) {
    return EXPERIMENT;
  }
  if (url.pathname.endsWith('/runs/get')) {
    return RUN(url.searchParams.get('run_id') ?? '');
  }
  if (url.pathname.endsWith('/experiments/search')) {
    return search(Object.fromEntries(url.searchParams));
  }
  return '{}';
}

function write(url: URL, body: string): string {
  if (url.pathname === '/graphql') {
    const aliases = [...body.matchAll(/(r\d+):mlflowGetRun\(input:\{runId:\\"(\w+)\\"/g)];
    const data = aliases.map(([, alias, runId]) => [alias, { run: { info: { runId, experimentId: '1' } } }]);
    return JSON.stringify({ data: Object.fromEntries(data) });
  }
  return url.pathname.endsWith('/experiments/search') ? search(JSON.parse(body)) : '{}';
}

/** As MLflow pages: by offset, newest first, with `experiment_id IN (…)` in the filter. */
function search({ filter, max_results, page_token }: Record<string, unknown>): string {
  const named = /experiment_id IN \(([^)]*)\)/i.exec(String(filter ?? ''))?.[1];
  const wanted =
    named === undefined ? undefined : new Set(named.split(',').map((id) => id.replace(/[ ']/g, '')));
  const found = wanted === undefined ? rows : rows.filter((row) => wanted.has(row.experiment_id));
  const offset =
    page_token === undefined ? 0 : JSON.parse(Buffer.from(String(page_token), 'base64').toString()).offset;
  const end = offset + Number(max_results ?? 1000);
  const token = Buffer.from(JSON.stringify({ offset: end })).toString('base64');
  return JSON.stringify({
    experiments: found.slice(offset, end),
    ...(end < found.length && { next_page_token: token }),
  });
}

/** PUT takes all bytes; GET answers as many as `…/<bytes>` ends with. */
function artifact(request: IncomingMessage, response: ServerResponse, url: URL): void {
  if (request.method !== 'GET') {
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    request.on('end', () => json(response, JSON.stringify({ bytes })));
    return;
  }
  let left = Number(url.pathname.split('/').at(-1));
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': left });
  const more = () => {
    while (left > 0) {
      const block = left < BLOCK.length ? BLOCK.subarray(0, left) : BLOCK;
      left -= block.length;
      if (!response.write(block)) {
        return;
      }
    }
    response.end();
  };
  response.on('drain', more);
  more();
}

// However the benchmark ends, nothing of it stays.
process.once('disconnect', () => process.exit());
