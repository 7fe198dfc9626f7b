import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench } from './bench.ts';
import { stop } from './children.ts';
import { median } from './compare.ts';
import { cpuNow, cpuSeconds } from './cpu.ts';
import { type GatewayChild, startGateway } from './gateway.ts';
import { AS_ROOT, isThere } from './nginx.ts';
import { basic, populate } from './population.ts';

/** Requests that one gateway takes, and two on one store, each with a core of its own. */
export interface Several {
  readonly gateways: number;
  readonly perSecond: number;
  /** CPU of the gateways for one request. */
  readonly cpuMicroseconds: number;
  /** The median of what each round took, as a multiple of one gateway's. */
  readonly ratio: number;
}

const RUN = '00000000000000000000000000000abc';
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
  const upstream = startReadyAnswers(dir, socketPath);
  const database = join(dir, 'several.db');
  await populate(database, { users: 10, grants: 50, rounds: 4 });
  const start = () =>
    startGateway({ upstreamUri: `unix:${socketPath}`, database, log: join(dir, 'several.log') });
  const gateways = [await start(), await start()];
  try {
    const seconds = quick ? 2 : 4;
    for (const gateway of gateways) {
      await loadOf([gateway], seconds);
    }
    const rounds: Several[][] = [];
    for (let round = 0; round < (quick ? 2 : 5); round += 1) {
      const one = await loadOf(gateways.slice(0, 1), seconds);
      const two = await loadOf(gateways, seconds);
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
    upstream.kill();
  }
}

async function loadOf(gateways: readonly GatewayChild[], seconds: number) {
  const before = cpuNow(gateways);
  const rates = await Promise.all(
    gateways.map(({ said }) => wrk(said, seconds, CONNECTIONS / gateways.length)),
  );
  const perSecond = rates.reduce((sum, rate) => sum + rate, 0);
  const cpuMicroseconds = (cpuSeconds(before, cpuNow(gateways)) / (perSecond * seconds)) * 1e6;
  return { gateways: gateways.length, perSecond, cpuMicroseconds };
}

/** Requests a second, for a run of experiment 1 as a user who may edit it. */
function wrk(origin: string, seconds: number, connections: number): Promise<number> {
  return new Promise((done, fail) => {
    const url = `${origin}/api/2.0/mlflow/runs/get?run_id=${RUN}`;
    const { authorization } = basic('user-0');
    const child = spawn(
      'wrk',
      ['-t1', `-c${connections}`, `-d${seconds}s`, '-H', `Authorization: ${authorization}`, url],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    let said = '';
    child.stdout.on('data', (chunk) => {
      said += chunk;
    });
    child.once('error', fail);
    child.once('exit', () => {
      const rate = Number(/Requests\/sec:\s+([\d.]+)/.exec(said)?.[1]);
      if (rate > 0 && !said.includes('Non-2xx')) {
        done(rate);
      } else {
        fail(new Error(said));
      }
    });
  });
}

/** nginx that answers of itself what MLflow would: its version, and a run. */
function startReadyAnswers(dir: string, socketPath: string) {
  const info = { run_id: RUN, run_uuid: RUN, experiment_id: '1', status: 'RUNNING' };
  const config = join(dir, 'ready.conf');
  writeFileSync(
    config,
    `${AS_ROOT}daemon off; worker_processes 1; pid ${dir}/ready.pid; error_log ${dir}/ready.log;
    events {}
    http {
      access_log off; keepalive_requests 100000000;
      server {
        listen unix:${socketPath};
        location = /version { default_type text/plain; return 200 "3.17.2"; }
        location / { default_type application/json; return 200 '${JSON.stringify({ run: { info, data: {} } })}'; }
      }
    }`,
  );
  return spawn('nginx', ['-p', dir, '-c', config], { stdio: 'ignore' });
}
