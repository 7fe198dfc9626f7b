import { statSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Agent } from 'undici';
import type { Bench } from './bench.ts';
import { startChild, stop } from './children.ts';
import { cpuNow, cpuSeconds, forgetPeak, memoryMb } from './cpu.ts';
import { type GatewayChild, startGateway } from './gateway.ts';
import { isInstalled, startMlflow } from './mlflow.ts';
import { createFirstRun } from './mlflow-data.ts';
import { basic, populate } from './population.ts';

/** Many uploads at once. */
export interface Uploads {
  readonly to: string;
  readonly uploads: number;
  readonly megabytesEach: number;
  /** How many arrived with every byte. */
  readonly whole: number;
  /** CPU of the gateway for a gigabyte, in seconds. */
  readonly cpuSecondsPerGigabyte: number;
  readonly idleMb: number;
  readonly peakAboveIdleMb: number;
}

interface Kind {
  readonly to: string;
  readonly gateway: GatewayChild;
  readonly path: (index: number) => string;
  readonly uploads: number;
  readonly megabytes: number;
  /** Bytes of an upload that arrived. */
  readonly arrived: (index: number, answer: string) => number;
}

const MEGABYTE = 1024 * 1024;
const BLOCK = Buffer.alloc(64 * 1024, 'y');

/** A hundred uploads of a gigabyte at once to what counts and drops them, and smaller ones to MLflow. */
export async function measureUploads({ dir, quick, note }: Bench): Promise<Uploads[]> {
  const socketPath = join(dir, 'uploads.sock');
  const small = await startChild('bench/processes/small-upstream.ts', [socketPath, '10']);
  // A store for each: a grant on an experiment is not good for another that has its id.
  const start = async (name: string, upstreamUri: string) => {
    const database = join(dir, `uploads-${name}.db`);
    await populate(database, { users: 1, grants: 1, rounds: 4 });
    return startGateway({ upstreamUri, database, log: join(dir, 'uploads.log') });
  };
  const counting = await start('counting', `unix:${socketPath}`);
  const artifacts = '/api/2.0/mlflow-artifacts/artifacts/1';
  const results = [
    await upload({
      ...{ to: 'an upstream that counts', gateway: counting, uploads: 100, megabytes: quick ? 20 : 1024 },
      path: (index) => `${artifacts}/abc/artifacts/file-${index}`,
      arrived: (_, answer) => (JSON.parse(answer) as { bytes: number }).bytes,
    }),
  ];
  for (const { process } of [counting, small]) {
    await stop(process);
  }
  if (!isInstalled('3.17.2')) {
    note('No stock MLflow is installed (npm test installs it): uploaded nothing to it.');
    return results;
  }
  const home = join(dir, 'uploads');
  const backendStoreUri = `sqlite:///${join(dir, 'uploads-of-mlflow.db')}`;
  const tcp = await startMlflow({ dir: home, backendStoreUri, listen: 'tcp' });
  const runId = await createFirstRun(tcp.origin);
  const gateway = await start('mlflow', tcp.origin);
  results.push(
    await upload({
      ...{ to: 'MLflow 3.17.2', gateway, uploads: quick ? 10 : 100, megabytes: quick ? 5 : 20 },
      path: (index) => `${artifacts}/${runId}/artifacts/file-${index}`,
      arrived: (index) => statSync(join(home, 'artifacts/1', runId, 'artifacts', `file-${index}`)).size,
    }),
  );
  await stop(gateway.process);
  await tcp.stop();
  return results;
}

async function upload({ to, gateway, path, uploads, megabytes, arrived }: Kind): Promise<Uploads> {
  const agent = new Agent({ connections: uploads, headersTimeout: 3_600_000 });
  const put = async (index: number, bytes: number) => {
    const { statusCode, body } = await agent.request({
      ...{ origin: gateway.said, path: path(index), method: 'PUT', body: blocks(bytes) },
      headers: { ...basic('user-0'), 'content-length': String(bytes) },
    });
    const answer = await body.text();
    return statusCode === 200 && arrived(index, answer) === bytes;
  };
  await put(0, MEGABYTE);
  const idleMb = memoryMb(gateway.pid).now;
  forgetPeak(gateway.pid);
  const before = cpuNow([gateway]);
  const all = await Promise.all(
    Array.from({ length: uploads }, (_, index) => put(index, megabytes * MEGABYTE)),
  );
  const cpu = cpuSeconds(before, cpuNow([gateway]));
  const peakAboveIdleMb = memoryMb(gateway.pid).peak - idleMb;
  await agent.close();
  return {
    ...{ to, uploads, megabytesEach: megabytes, whole: all.filter((isWhole) => isWhole).length },
    ...{ cpuSecondsPerGigabyte: (cpu / uploads / megabytes) * 1024, idleMb, peakAboveIdleMb },
  };
}

function blocks(total: number): Readable {
  return Readable.from(blocksOf(total), { objectMode: false });
}

function* blocksOf(total: number): Generator<Uint8Array> {
  for (let left = total; left > 0; left -= BLOCK.length) {
    yield left < BLOCK.length ? BLOCK.subarray(0, left) : BLOCK;
  }
}
