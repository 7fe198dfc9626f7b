/** `npm run bench [-- --quick] [-- --only alone,outside,audit,mlflow,searches,scale,workers,several,artifacts,rest,flood,large,uploads,storm]`; see docs/performance.md. */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measureAlone } from './alone.ts';
import { measureArtifacts, type Transfer } from './artifacts.ts';
import { type AuditCost, measureAudit } from './audit.ts';
import { measureBeforeMlflow, measureBeforeWorkers } from './before-mlflow.ts';
import type { Bench } from './bench.ts';
import { ROOT, startLoad, stopAll } from './children.ts';
import type { Cost } from './compare.ts';
import { type Floods, measureFlood } from './flood.ts';
import { buildGateway } from './gateway.ts';
import { historyLine } from './history.ts';
import { type Large, measureLarge } from './large.ts';
import { measureOutside, type Outside } from './outside.ts';
import { measureRest, type Rest } from './rest.ts';
import { measureScale } from './scale.ts';
import { measureSearches } from './searches.ts';
import { measureSeveral, type Several } from './several.ts';
import { measureStorm, type Storm } from './storm.ts';
import { table } from './table.ts';
import {
  ARTIFACT_MEMORY,
  ARTIFACT_THROUGHPUT,
  AT_REST,
  AUDIT,
  mostCpu,
  type Part,
  START,
} from './targets.ts';
import { measureUploads, type Uploads } from './uploads.ts';

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, only: { type: 'string' } },
});
/** Each part measures something, prints its tables and answers what goes into the JSON. */
const PARTS: Readonly<Record<string, (bench: Bench) => Promise<unknown>>> = {
  async alone(bench) {
    const costs = await measureAlone(bench);
    print('In front of an upstream that answers at once', costTable('alone', costs));
    return costs;
  },
  async outside(bench) {
    const outside = await measureOutside(bench);
    print('From outside: wrk in front, nginx with ready answers behind, over TCP', outsideTable(outside));
    return outside;
  },
  async audit(bench) {
    const costs = await measureAudit(bench);
    print('What the audit log adds', auditTable(costs));
    return costs;
  },
  async mlflow(bench) {
    const costs = await measureBeforeMlflow(bench);
    print('In front of MLflow 3.17.2 with one worker; CPU of all processes', costTable('mlflow', costs));
    return costs;
  },
  async searches(bench) {
    const costs = await measureSearches(bench);
    print('Searches; CPU of all processes', costTable('searches', costs));
    return costs;
  },
  async scale(bench) {
    const costs = await measureScale(bench);
    print('A thousand of 20,000: pages of ten; CPU of all processes', costTable('scale', costs));
    return costs;
  },
  async workers(bench) {
    const costs = await measureBeforeWorkers(bench);
    print('In front of MLflow 3.17.2 with four workers; CPU of all processes', costTable('workers', costs));
    return costs;
  },
  async several(bench) {
    const several = await measureSeveral(bench);
    print('Several gateways on one store', severalTable(several));
    return several;
  },
  async artifacts(bench) {
    const transfers = await measureArtifacts(bench);
    print('Artifacts', transferTable(transfers));
    return transfers;
  },
  async rest(bench) {
    const rest = await measureRest(bench);
    print('At rest', restTable(rest));
    return rest;
  },
  async flood(bench) {
    const floods = await measureFlood(bench);
    print('A flood of wrong passwords', floodTable(floods));
    return floods;
  },
  async large(bench) {
    const large = await measureLarge(bench);
    print('Large lists of the gateway itself', largeTable(large));
    return large;
  },
  async uploads(bench) {
    const uploads = await measureUploads(bench);
    print('Many uploads at once', uploadsTable(uploads));
    return uploads;
  },
  async storm(bench) {
    const storms = await measureStorm(bench);
    print('A thousand who sign in within a second', stormTable(storms));
    return storms;
  },
};

const names = values.only?.split(',') ?? Object.keys(PARTS);
const dir = mkdtempSync(join(tmpdir(), 'bench-'));
const notes: string[] = [];
const report: string[] = [];
const result: Record<string, unknown> = { at: new Date().toISOString(), quick: values.quick, notes };
const note = (sentence: string) => {
  notes.push(sentence);
  show(sentence);
};

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    stopAll().finally(() => {
      rmSync(dir, { recursive: true, force: true });
      process.exit(1);
    });
  });
}

try {
  mkdirSync(join(ROOT, 'bench-results'), { recursive: true });
  buildGateway();
  for (const name of names) {
    const part = PARTS[name];
    if (part === undefined) {
      throw new Error(`there is no part ${name}, only ${Object.keys(PARTS).join(', ')}`);
    }
    try {
      result[name] = await part({ load: await startLoad(), dir, quick: values.quick, note });
    } catch (error) {
      process.exitCode = 1;
      note(`The part ${name} broke off: ${error}`);
      console.error(error);
    }
    await stopAll();
  }
  writeFileSync(join(ROOT, 'bench-results', 'latest.json'), `${JSON.stringify(result, null, 2)}\n`);
  // One line for each run, so that a slower commit shows.
  appendFileSync(join(ROOT, 'bench', 'history.jsonl'), historyLine(result));
  // The same tables, for docs/performance.md.
  writeFileSync(join(ROOT, 'bench-results', 'latest.md'), `${report.join('\n\n')}\n`);
} finally {
  await stopAll();
  rmSync(dir, { recursive: true, force: true });
}

function print(title: string, text: string): void {
  show(`### ${title}\n\n${text}`);
}

function show(text: string): void {
  report.push(text);
  console.log(`\n${text}`);
}

function costTable(part: Part, costs: readonly Cost[]): string {
  return table(
    ['operation', 'through', 'CPU µs', 'CPU ×', 'target', '', 'p50 ms', 'p50 ×', 'p99 ms', 'requests'],
    costs.map((cost) => [
      cost.operation,
      cost.contestant,
      cost.cpuMicroseconds.toFixed(0),
      cost.cpuRatio.toFixed(2),
      ...verdict(mostCpu(part, cost.operation, cost.contestant), cost.cpuRatio),
      cost.p50.toFixed(2),
      cost.p50Ratio.toFixed(2),
      cost.p99.toFixed(1),
      String(cost.requests),
    ]),
  );
}

function outsideTable(outside: readonly Outside[]): string {
  return table(
    ['operation', 'through', 'CPU µs', 'CPU ×', 'between', 'target', '', 'requests/s'],
    outside.map(({ operation, contestant, cpuMicroseconds, cpuRatio, between, perSecond }) => [
      operation,
      contestant,
      cpuMicroseconds.toFixed(0),
      cpuRatio.toFixed(2),
      between.map((ratio) => ratio.toFixed(2)).join(' and '),
      ...verdict(mostCpu('outside', operation, contestant), cpuRatio),
      perSecond.toFixed(0),
    ]),
  );
}

function auditTable(costs: readonly AuditCost[]): string {
  return table(
    ['operation', 'gateways', 'CPU ×', 'between', 'target', ''],
    costs.map(({ operation, ratio, ratios }) => [
      operation,
      String(ratios.length),
      ratio.toFixed(3),
      `${Math.min(...ratios).toFixed(3)} and ${Math.max(...ratios).toFixed(3)}`,
      ...verdict(AUDIT, ratio),
    ]),
  );
}

/** A target, and whether it was missed. */
function verdict(target: number | undefined, ratio: number): readonly [string, string] {
  return target === undefined ? ['', ''] : [`≤ ${target.toFixed(2)}`, ratio <= target ? '' : 'missed'];
}

function transferTable(transfers: readonly Transfer[]): string {
  return table(
    ['transfer', 'through', 'MB/s', 'throughput ×', 'target', 'idle MB', 'peak above idle MB', 'target'],
    transfers.map((each) => [
      each.transfer,
      each.contestant,
      each.throughput.toFixed(0),
      each.throughputRatio.toFixed(2),
      each.contestant.startsWith('gateway') ? ARTIFACT_THROUGHPUT : '',
      each.idleMb.toFixed(0),
      each.peakAboveIdleMb.toFixed(0),
      each.contestant.startsWith('gateway') ? ARTIFACT_MEMORY : '',
    ]),
  );
}

function restTable({ startMs, atRestMb, afterLoadMb }: Rest): string {
  return table(
    ['what', 'measured', 'target'],
    [
      ['start of the built gateway until /health answers', `${startMs.toFixed(0)} ms`, START],
      ['resident memory at rest, half a minute after the start', `${atRestMb.toFixed(0)} MB`, AT_REST],
      ['resident memory at rest, a minute after 20,000 requests', `${afterLoadMb.toFixed(0)} MB`, ''],
    ],
  );
}

function severalTable(several: readonly Several[]): string {
  return table(
    ['gateways', 'requests/s', '×', 'CPU µs'],
    several.map(({ gateways, perSecond, ratio, cpuMicroseconds }) => [
      String(gateways),
      perSecond.toFixed(0),
      ratio.toFixed(2),
      cpuMicroseconds.toFixed(0),
    ]),
  );
}

function floodTable({ rows, guessesPerSecond }: Floods): string {
  const head = ['runs/get', '', 'p50 ms', 'p99 ms', 'CPU µs, main thread', 'requests'];
  const lines = rows.map(({ who, flood, p50, p99, cpuMicroseconds, requests }) => [
    who,
    flood ? `beside ${guessesPerSecond.toFixed(0)} guesses/s` : 'alone',
    ...[p50.toFixed(2), p99.toFixed(1), cpuMicroseconds?.toFixed(0) ?? '', String(requests)],
  ]);
  return table(head, lines);
}

function stormTable(storms: readonly Storm[]): string {
  return table(
    ['from', 'answers', 'hashing s', 'serving s', 'half after ms', 'last after ms', 'slowest signed-in ms'],
    storms.map(({ from, statuses, hashing, serving, half, last, slowestSignedIn }) => [
      from,
      Object.entries(statuses)
        .map(([status, count]) => `${count} × ${status}`)
        .join(', '),
      hashing.toFixed(1),
      serving.toFixed(1),
      half.toFixed(0),
      last.toFixed(0),
      slowestSignedIn.toFixed(0),
    ]),
  );
}

function largeTable(large: readonly Large[]): string {
  return table(
    ['what', 'requests', 'MB', 'CPU s', 'peak above before MB'],
    large.map(({ what, requests, megabytes, cpuSeconds, peakAboveMb }) => [
      what,
      String(requests),
      megabytes.toFixed(1),
      cpuSeconds.toFixed(2),
      peakAboveMb.toFixed(0),
    ]),
  );
}

function uploadsTable(uploads: readonly Uploads[]): string {
  return table(
    ['to', 'uploads', 'MB each', 'whole', 'CPU s for a GB', 'idle MB', 'peak above idle MB', 'target'],
    uploads.map((each) => [
      each.to,
      String(each.uploads),
      String(each.megabytesEach),
      String(each.whole),
      each.cpuSecondsPerGigabyte.toFixed(2),
      each.idleMb.toFixed(0),
      each.peakAboveIdleMb.toFixed(0),
      ARTIFACT_MEMORY,
    ]),
  );
}
