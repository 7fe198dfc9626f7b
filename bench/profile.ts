/**
 * `node bench/profile.ts [OPERATION] [admin|user|bare]`: where the CPU of one operation goes, in front of an
 * upstream that answers at once. Prints self time by function; the whole profile stays in bench-results/,
 * for Chromium's developer tools.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { ROOT, startChild, startLoad, stop, stopAll } from './children.ts';
import { buildGateway, startGateway } from './gateway.ts';
import { OPERATIONS, type OperationName } from './operations.ts';
import { basic, populate } from './population.ts';
import { startHttpProxy } from './rivals.ts';
import { table } from './table.ts';

interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  /** Microseconds. */
  readonly timeDeltas: readonly number[];
}

const REQUESTS = 20_000;
const SHOWN = 45;

const [operation = 'runs/get', who = 'user'] = process.argv.slice(2);
const profiles = join(ROOT, 'bench-results', `profile-${who}`);
const dir = mkdtempSync(join(tmpdir(), 'profile-'));
try {
  rmSync(profiles, { recursive: true, force: true });
  mkdirSync(profiles, { recursive: true });
  buildGateway();
  const socketPath = join(dir, 's');
  await startChild('bench/processes/small-upstream.ts', [socketPath, '10']);
  const database = join(dir, 'store.db');
  await populate(database, { users: 10, grants: 10, rounds: 4 });
  const execArgv = ['--cpu-prof', `--cpu-prof-dir=${profiles}`, '--cpu-prof-interval=200'];
  const measured =
    who === 'bare'
      ? await startHttpProxy(socketPath, execArgv)
      : await startGateway({ upstreamUri: `unix:${socketPath}`, database, log: join(dir, 'log'), execArgv });
  const load = await startLoad();
  const runIds = Array.from({ length: 50 }, (_, index) => (index + 0xabc).toString(16).padStart(32, '0'));
  const headers = basic(who === 'admin' ? 'admin' : 'user-0');
  const shots = OPERATIONS[operation as OperationName]({ experimentId: '1', runIds }, headers);
  const job = { origin: measured.said, shots, seconds: 20, connections: 16, statuses: [200] };
  const { done } = await load({ ...job, count: REQUESTS });
  await stop(measured.process);
  console.log(`${operation} as ${who}, ${done} requests\n\n${selfTimes(done)}`);
} finally {
  await stopAll();
  rmSync(dir, { recursive: true, force: true });
}

function selfTimes(requests: number): string {
  const [main] = readdirSync(profiles).sort(
    (a, b) => readFileSync(join(profiles, b)).length - readFileSync(join(profiles, a)).length,
  );
  const profile = JSON.parse(readFileSync(join(profiles, main ?? ''), 'utf8')) as Profile;
  const names = new Map(
    profile.nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => [
      id,
      `${functionName || '(anonymous)'} ${url.includes('node_modules') ? url.split('node_modules/').at(-1) : url.startsWith('node:') ? url : basename(url)}:${lineNumber + 1}`,
    ]),
  );
  const spent = new Map<string, number>();
  let total = 0;
  for (const [index, id] of profile.samples.entries()) {
    const name = names.get(id) ?? '';
    if (name.startsWith('(idle)')) {
      continue;
    }
    const delta = profile.timeDeltas[index] ?? 0;
    total += delta;
    spent.set(name, (spent.get(name) ?? 0) + delta);
  }
  const rows = [...spent].sort(([, a], [, b]) => b - a).slice(0, SHOWN);
  return table(
    ['function', 'µs a request', '%'],
    [...rows, ['all', total] as const].map(([name, time]) => [
      name,
      (time / requests).toFixed(1),
      ((100 * time) / total).toFixed(1),
    ]),
  );
}
