import { setTimeout } from 'node:timers/promises';
import { median } from './compare.ts';
import { type CpuSnapshot, cpuNow, cpuSeconds, type Measured } from './cpu.ts';
import type { Shot } from './job.ts';
import { startWrk, type Wrk, wrk } from './wrk.ts';

/** One process of a contestant. */
export interface Runner {
  readonly origin: string;
  readonly measured: readonly Measured[];
  readonly headers: Readonly<Record<string, string>>;
}

/** One thing that is compared with others, by as many processes as it has: two of one program differ. */
export interface Entrant {
  readonly name: string;
  readonly runners: readonly Runner[];
}

export interface Turns {
  /** What is sent, but for the headers of a runner. */
  readonly shot: (headers: Readonly<Record<string, string>>) => Shot;
  /** Rounds in which every runner has a turn. */
  readonly rounds: number;
  /** Seconds for each runner first that do not count: V8 compiles for some hundred thousand requests. */
  readonly warmUp: number;
  readonly connections: number;
  /** Takes the scripts of wrk. */
  readonly dir: string;
  /** Requests that have reached the upstream so far. */
  readonly counted: () => Promise<number>;
}

/** What an entrant's requests cost. */
export interface Spent {
  readonly contestant: string;
  /** CPU for one request, the median of the rounds, the mean of its runners. */
  readonly cpuMicroseconds: number;
  /** As a multiple of what one of the first entrant's cost in the same round. */
  readonly cpuRatio: number;
  /** The lowest and the highest of its runners' ratios. */
  readonly between: readonly [number, number];
  /** Requests a second, the median of the turns. */
  readonly perSecond: number;
}

/** What a runner did in one turn. */
interface Turn {
  /** Used until it began. */
  readonly cpu: CpuSnapshot;
  readonly requests: number;
  readonly perSecond: number;
}

/**
 * Length of a turn. Whatever else a machine does slows it down for seconds, so that turns of the same round are slowed down
 * alike; one that were much shorter would begin with what a process does after it has been idle, and see little else.
 */
const TURN_MS = 1_000;
/** Until the answers are there that a paused wrk has asked for. */
const PAUSING_MS = 10;

/** Has runners take short turns, each under a wrk of its own, and compares what they used in the same round. */
export async function spentBy(entrants: readonly Entrant[], turns: Turns): Promise<Spent[]> {
  const job = ({ origin, headers }: Runner) => ({ ...turns, origin, shot: turns.shot(headers) });
  const order = inTurn(entrants);
  for (const runner of order) {
    await wrk({ ...job(runner), seconds: turns.warmUp });
  }
  const loads = order.map((runner) => ({ runner, load: startWrk(job(runner)), had: [] as Turn[] }));
  try {
    for (const { load } of loads) {
      load.pause();
    }
    // The turn after the last one tells what that one cost.
    for (let round = 0; round <= turns.rounds; round += 1) {
      for (const { runner, load, had } of loads) {
        had.push(await turnOf(runner, load, turns));
      }
    }
  } finally {
    for (const { load } of loads) {
      load.stop();
    }
  }
  const turnsOf = new Map(loads.map(({ runner, had }) => [runner, had]));
  return compared(entrants, (runner) => turnsOf.get(runner) ?? []);
}

/** The first of each, then the second of each: neighbours in time are others'. */
function inTurn(entrants: readonly Entrant[]): readonly Runner[] {
  const most = Math.max(...entrants.map(({ runners }) => runners.length));
  return Array.from({ length: most }, (_, index) =>
    entrants.flatMap(({ runners }) => runners[index] ?? []),
  ).flat();
}

async function turnOf({ measured }: Runner, load: Wrk, { counted }: Turns): Promise<Turn> {
  const before = await counted();
  const [cpu, at] = [cpuNow(measured), performance.now()];
  load.goOn();
  await setTimeout(TURN_MS);
  load.pause();
  const seconds = (performance.now() - at) / 1000;
  await setTimeout(PAUSING_MS);
  // One of them asked for the count.
  const requests = (await counted()) - before - 1;
  return { cpu, requests, perSecond: requests / seconds };
}

function compared(entrants: readonly Entrant[], turnsOf: (runner: Runner) => readonly Turn[]): Spent[] {
  const costs = new Map(
    entrants.flatMap(({ runners }) => runners).map((runner) => [runner, costsOf(turnsOf(runner))]),
  );
  const costsIn = (round: number, runners: readonly Runner[] = []) =>
    mean(runners.map((runner) => costs.get(runner)?.[round] ?? Number.NaN));
  const first = entrants[0]?.runners;
  return entrants.map(({ name, runners }) => {
    const ratios = runners.map((runner) =>
      median((costs.get(runner) ?? []).map((cost, round) => cost / costsIn(round, first))),
    );
    return {
      contestant: name,
      cpuMicroseconds: mean(runners.map((runner) => median(costs.get(runner) ?? []))) * 1e6,
      cpuRatio: mean(ratios),
      between: [Math.min(...ratios), Math.max(...ratios)],
      perSecond: median(runners.flatMap((runner) => turnsOf(runner).map(({ perSecond }) => perSecond))),
    };
  });
}

/**
 * CPU seconds for a request, turn by turn. What is put off, as entries of the audit log are written later, is done while
 * others have their turn, and counts.
 */
function costsOf(had: readonly Turn[]): readonly number[] {
  return had.slice(0, -1).map(({ cpu, requests }, round) => {
    const next = had[round + 1];
    return next === undefined ? Number.NaN : cpuSeconds(cpu, next.cpu) / requests;
  });
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
