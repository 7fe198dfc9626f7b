import { join } from 'node:path';
import type { Bench } from './bench.ts';
import { stop } from './children.ts';
import { median } from './compare.ts';
import { cpuNow, cpuSeconds } from './cpu.ts';
import { type GatewayChild, startGateway } from './gateway.ts';
import { isThere } from './nginx.ts';
import { basic, populate } from './population.ts';
import { readyShot, startReadyAnswers } from './ready-answers.ts';
import { wrk } from './wrk.ts';

/** Requests that one gateway takes, and two on one store, each with a core of its own. */
export interface Several {
  readonly gateways: number;
  readonly perSecond: number;
  /** CPU of the gateways for one request. */
  readonly cpuMicroseconds: number;
  /** The median of what each round took, as a multiple of one gateway's. */
  readonly ratio: number;
}

/** For a run of experiment 1, as a user who may edit it. */
const SHOT = readyShot('runs/get', basic('user-0'));
const CONNECTIONS = 16;

/**
 * What a second process is worth: wrk in front, nginx with ready answers behind, as both take little of the two cores.
 */
export async function measureSeveral({ dir, quick, note }: Bench): Promise<Several[]> {
  if (!(isThere('wrk') && isThere('nginx'))) {
    note('wrk or nginx is not installed: several gateways were not measured.');
    return [];
  }
  const socketPath = join(dir, 'several.sock');
  const end = await startReadyAnswers(dir, `unix:${socketPath}`);
  const database = join(dir, 'several.db');
  await populate(database, { users: 10, grants: 50, rounds: 4 });
  const start = () =>
    startGateway({ upstreamUri: `unix:${socketPath}`, database, log: join(dir, 'several.log') });
  const gateways = [await start(), await start()];
  try {
    const seconds = quick ? 2 : 4;
    for (const gateway of gateways) {
      await loadOf([gateway], seconds, dir);
    }
    const rounds: Several[][] = [];
    for (let round = 0; round < (quick ? 2 : 5); round += 1) {
      const one = await loadOf(gateways.slice(0, 1), seconds, dir);
      const two = await loadOf(gateways, seconds, dir);
      rounds.push([one, two].map((each) => ({ ...each, ratio: each.perSecond / one.perSecond })));
    }
    return [0, 1].map((at) => {
      const of = (field: keyof Several) => median(rounds.map((round) => round[at]?.[field] ?? 0));
      return {
        gateways: at + 1,
        perSecond: of('perSecond'),
        cpuMicroseconds: of('cpuMicroseconds'),
        ratio: of('ratio'),
      };
    });
  } finally {
    for (const { process } of gateways) {
      await stop(process);
    }
    end();
  }
}

async function loadOf(gateways: readonly GatewayChild[], seconds: number, dir: string) {
  const before = cpuNow(gateways);
  const rates = await Promise.all(
    gateways.map(({ said: origin }) =>
      wrk({ origin, shot: SHOT, seconds, connections: CONNECTIONS / gateways.length, dir }),
    ),
  );
  const perSecond = rates.reduce((sum, rate) => sum + rate, 0);
  const cpuMicroseconds = (cpuSeconds(before, cpuNow(gateways)) / (perSecond * seconds)) * 1e6;
  return { gateways: gateways.length, perSecond, cpuMicroseconds };
}
