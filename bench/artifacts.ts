import { join } from 'node:path';
import type { Bench } from './bench.ts';
import { startChild, stop } from './children.ts';
import { median } from './compare.ts';
import { forgetPeak, memoryMb } from './cpu.ts';
import { startGateway } from './gateway.ts';
import type { Shot } from './job.ts';
import { basic, populate } from './population.ts';
import { startHttpProxy } from './rivals.ts';

const MEGABYTE = 1024 * 1024;

/** What passing artifacts through cost. */
export interface Transfer {
  readonly transfer: string;
  readonly contestant: string;
  /** Megabytes a second, the median of the rounds. */
  readonly throughput: number;
  /** As a multiple of the bare proxy's in the same round: the median. */
  readonly throughputRatio: number;
  readonly idleMb: number;
  /** Highest resident memory of any round, above that at rest. */
  readonly peakAboveIdleMb: number;
}

/** Large artifacts up and down, one and sixteen at once, beside the bare proxy. */
export async function measureArtifacts({ load, dir, quick }: Bench): Promise<Transfer[]> {
  const socketPath = join(dir, 'artifacts.sock');
  const database = join(dir, 'artifacts.db');
  await populate(database, { users: 1, grants: 1, rounds: 4 });
  const small = await startChild('bench/processes/small-upstream.ts', [socketPath, '10']);
  const bare = await startHttpProxy(socketPath);
  const gateway = await startGateway({
    upstreamUri: `unix:${socketPath}`,
    database,
    log: join(dir, 'artifacts.log'),
  });
  const contestants = [
    { name: 'bare @fastify/http-proxy', child: bare },
    { name: 'gateway, user', child: gateway },
  ];
  const headers = basic('user-0');
  const result: Transfer[] = [];
  for (const { transfer, shot, size, atOnce } of transfers(headers)) {
    const job = { shots: [shot(size)], count: atOnce, connections: atOnce, seconds: 60, statuses: [200] };
    const measured = contestants.map(({ name, child }) => ({
      name,
      child,
      idle: 0,
      peaks: [] as number[],
      speeds: [] as number[],
    }));
    for (const each of measured) {
      await load({ ...job, origin: each.child.said, shots: [shot(MEGABYTE)] });
      each.idle = memoryMb(each.child.pid).now;
    }
    for (let round = 0; round < (quick ? 2 : 4); round += 1) {
      for (const { child, peaks, speeds } of measured) {
        forgetPeak(child.pid);
        const { bytes, seconds } = await load({ ...job, origin: child.said });
        speeds.push(bytes / MEGABYTE / seconds);
        peaks.push(memoryMb(child.pid).peak);
      }
    }
    const [first] = measured;
    for (const { name, idle, peaks, speeds } of measured) {
      result.push({
        transfer,
        contestant: name,
        throughput: median(speeds),
        throughputRatio: median(speeds.map((speed, round) => speed / (first?.speeds[round] ?? speed))),
        idleMb: idle,
        peakAboveIdleMb: Math.max(...peaks) - idle,
      });
    }
  }
  for (const { process } of [gateway, bare, small]) {
    await stop(process);
  }
  return result;
}

function transfers(headers: Shot['headers']) {
  const path = '/api/2.0/mlflow-artifacts/artifacts/1/abc/artifacts';
  const down = (bytes: number): Shot => ({ method: 'GET', path: `${path}/${bytes}`, headers });
  const up = (bytes: number): Shot => ({ method: 'PUT', path: `${path}/file`, headers, bodyBytes: bytes });
  return [
    { transfer: '200 MB down', shot: down, size: 200 * MEGABYTE, atOnce: 1 },
    { transfer: '200 MB up', shot: up, size: 200 * MEGABYTE, atOnce: 1 },
    { transfer: '16 × 32 MB down', shot: down, size: 32 * MEGABYTE, atOnce: 16 },
    { transfer: '16 × 32 MB up', shot: up, size: 32 * MEGABYTE, atOnce: 16 },
  ];
}
