import { setTimeout } from 'node:timers/promises';
import type { Bench } from './bench.ts';
import { stop } from './children.ts';
import { median, settled } from './compare.ts';
import { cpuNow, cpuSeconds } from './cpu.ts';
import { freePort, type GatewayChild, WITHOUT_AUDIT } from './gateway.ts';
import { isThere } from './nginx.ts';
import type { OperationName } from './operations.ts';
import { startPopulated } from './populated.ts';
import { basic } from './population.ts';
import { readyShot, requestsOf, startReadyAnswers } from './ready-answers.ts';
import { startWrk, type Wrk, wrk } from './wrk.ts';

/** What the audit log adds to an operation. */
export interface AuditCost {
  readonly operation: string;
  /** CPU for a request with the log, as a multiple of what it takes without: the median of the rounds of each gateway. */
  readonly ratios: readonly number[];
  /** The mean of these. */
  readonly ratio: number;
}

const MEASURED: readonly OperationName[] = ['runs/log-metric', 'runs/log-batch of 100'];
const CONNECTIONS = 16;

const QUICK = { gateways: 1, rounds: 3, warmUp: 1 };
const WHOLE = { gateways: 5, rounds: 12, warmUp: 2 };

const TURN_MS = 800;

/**
 * The same process with the log and without, by turns: two of one program differ by far more than what the log costs. In
 * front of an upstream that answers at once, under wrk.
 */
export async function measureAudit({ dir, quick, note }: Bench): Promise<AuditCost[]> {
  if (!(isThere('wrk') && isThere('nginx'))) {
    note('wrk or nginx is not installed: what the audit log costs was not measured.');
    return [];
  }
  const listen = `127.0.0.1:${await freePort()}`;
  const upstream = `http://${listen}`;
  const end = await startReadyAnswers(dir, listen);
  const effort = quick ? QUICK : WHOLE;
  const costs = MEASURED.map((operation) => ({ operation, ratios: [] as number[] }));
  try {
    for (let index = 0; index < effort.gateways; index += 1) {
      for (const { operation, ratios } of costs) {
        const gateway = await startPopulated(`audit-${operation.replaceAll(/\W/g, '-')}-${index}`, {
          ...{ dir, upstreamUri: upstream, population: { users: 10, grants: 50 } },
          execArgv: WITHOUT_AUDIT,
        });
        ratios.push(await ratioOf(gateway, operation, { ...effort, dir, upstream }));
        await stop(gateway.process);
      }
    }
    return costs.map((cost) => ({
      ...cost,
      ratio: cost.ratios.reduce((sum, each) => sum + each, 0) / cost.ratios.length,
    }));
  } finally {
    end();
  }
}

async function ratioOf(
  gateway: GatewayChild,
  operation: OperationName,
  { rounds, warmUp, dir, upstream }: { rounds: number; warmUp: number; dir: string; upstream: string },
): Promise<number> {
  const shot = readyShot(operation, basic('user-0'));
  const job = { origin: gateway.said, shot, connections: CONNECTIONS, dir };
  // It begins without; what is compiled is to have seen both.
  for (let time = 0; time < 4; time += 1) {
    await wrk({ ...job, seconds: warmUp });
    gateway.process.kill('SIGUSR2');
  }
  const load = startWrk(job);
  const found: number[] = [];
  try {
    load.pause();
    for (let round = 0; round < rounds; round += 1) {
      const without = await costOf(gateway, load, { operation, upstream });
      gateway.process.kill('SIGUSR2');
      const withLog = await costOf(gateway, load, { operation, upstream });
      gateway.process.kill('SIGUSR2');
      found.push(withLog / without);
    }
  } finally {
    load.stop();
  }
  console.error(`measured what the audit log adds to ${operation}`);
  return median(found);
}

/** CPU seconds for a request. */
async function costOf(
  gateway: GatewayChild,
  load: Wrk,
  { operation, upstream }: { operation: OperationName; upstream: string },
): Promise<number> {
  const before = { cpu: cpuNow([gateway]), requests: await requestsOf(upstream) };
  load.goOn();
  await setTimeout(TURN_MS);
  load.pause();
  await settled(operation);
  const requests = (await requestsOf(upstream)) - before.requests - 1;
  return cpuSeconds(before.cpu, cpuNow([gateway])) / requests;
}
