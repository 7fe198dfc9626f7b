/** The one load generator: takes a {@link Job} over IPC, answers a {@link Result}. */
import { Readable } from 'node:stream';
import { Agent, type Dispatcher } from 'undici';
import type { Job, Result, Shot } from '../job.ts';

process.on('message', (job: Job) => {
  run(job).then(
    (result) => process.send?.(result),
    (error: unknown) => process.send?.({ failed: String(error) } satisfies Result),
  );
});
process.send?.('ready');

const agents = new Map<string, Agent>();

function agentFor({ socketPath, connections }: Job): Agent {
  const key = `${socketPath} ${connections}`;
  const agent =
    agents.get(key) ??
    new Agent({ connections, pipelining: 1, connect: socketPath === undefined ? {} : { socketPath } });
  agents.set(key, agent);
  return agent;
}

async function run(job: Job): Promise<Result> {
  const dispatcher = agentFor(job);
  const milliseconds: number[] = [];
  let next = 0;
  let bytes = 0;
  const deadline = performance.now() + job.seconds * 1000;
  const started = performance.now();
  await Promise.all(
    Array.from({ length: job.connections }, async () => {
      while (next < job.count && performance.now() < deadline) {
        const shot = job.shots[next % job.shots.length] as Shot;
        next += 1;
        const begin = performance.now();
        const moved = await send(dispatcher, job.origin, shot, job.statuses);
        bytes += moved;
        milliseconds.push(performance.now() - begin);
      }
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  milliseconds.sort((a, b) => a - b);
  const at = (share: number) => milliseconds[Math.floor((milliseconds.length - 1) * share)] ?? 0;
  return { done: milliseconds.length, seconds, bytes, p50: at(0.5), p99: at(0.99) };
}

/** Sends one request and lets go of its answer; the bytes that went one way and the other. */
async function send(
  dispatcher: Dispatcher,
  origin: string,
  { method, path, headers, body, bodyBytes }: Shot,
  statuses: readonly number[],
): Promise<number> {
  const response = await dispatcher.request({
    origin,
    path,
    method: method as Dispatcher.HttpMethod,
    headers: { ...headers, ...(bodyBytes !== undefined && { 'content-length': String(bodyBytes) }) },
    body: bodyBytes === undefined ? (body ?? null) : blocks(bodyBytes),
    headersTimeout: 120_000,
  });
  let bytes = bodyBytes ?? 0;
  if (!statuses.includes(response.statusCode)) {
    throw new Error(`${method} ${origin}${path}: ${response.statusCode} ${await response.body.text()}`);
  }
  for await (const chunk of response.body) {
    bytes += (chunk as Uint8Array).byteLength;
  }
  return bytes;
}

const BLOCK = Buffer.alloc(64 * 1024, 'y');

function blocks(total: number): Readable {
  return Readable.from(blocksOf(total), { objectMode: false });
}

function* blocksOf(total: number): Generator<Uint8Array> {
  for (let left = total; left > 0; left -= BLOCK.length) {
    yield left < BLOCK.length ? BLOCK.subarray(0, left) : BLOCK;
  }
}

// However the benchmark ends, nothing of it stays.
process.once('disconnect', () => process.exit());
