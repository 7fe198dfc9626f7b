import type { Load } from './children.ts';
import { cpuNow, cpuSeconds, type Measured } from './cpu.ts';
import type { Shot } from './job.ts';

/** One thing that is compared with others. */
export interface Contestant {
  readonly name: string;
  readonly origin: string;
  readonly socketPath?: string;
  /** Every process whose CPU counts. */
  readonly measured: readonly Measured[];
  /** The requests it is sent for an operation; undefined if it has no part in it. */
  readonly shots: (operation: string) => readonly Shot[] | undefined;
}

export interface Effort {
  readonly rounds: number;
  /** Requests of one contestant in one round. */
  readonly count: number;
  /** No round of one contestant takes longer. */
  readonly seconds: number;
  readonly connections: number;
  /** Requests sent first to each contestant and not counted: code runs slowly until it is compiled. */
  readonly warmUp: number;
}

/** What an operation cost with one contestant. */
export interface Cost {
  readonly operation: string;
  readonly contestant: string;
  readonly requests: number;
  /**
   * CPU of the measured processes, user and system, for one request: the lower quartile of the rounds, as what disturbs the
   * machine only ever adds.
   */
  readonly cpuMicroseconds: number;
  /** The same as a multiple of the first contestant's. */
  readonly cpuRatio: number;
  /** Milliseconds, the median of the rounds; for information, as the machine may have had other work. */
  readonly p50: number;
  readonly p99: number;
  readonly p50Ratio: number;
}

/** Sends an operation to every contestant in turn, round after round, so that what disturbs one disturbs all. */
export async function compare(
  load: Load,
  operation: string,
  contestants: readonly Contestant[],
  effort: Effort,
): Promise<Cost[]> {
  const taking = contestants.flatMap((contestant) => {
    const shots = contestant.shots(operation);
    return shots === undefined ? [] : [{ contestant, shots, rounds: [] as Round[] }];
  });
  const job = { ...effort, statuses: [200] };
  for (const { contestant, shots } of taking) {
    await load({
      ...job,
      ...address(contestant),
      shots,
      count: Math.max(shots.length, effort.warmUp),
    });
  }
  for (let round = 0; round < effort.rounds; round += 1) {
    for (const { contestant, shots, rounds } of taking) {
      const before = cpuNow(contestant.measured);
      const { done, p50, p99 } = await load({ ...job, ...address(contestant), shots });
      await settled(operation);
      rounds.push({ done, cpu: cpuSeconds(before, cpuNow(contestant.measured)) / done, p50, p99 });
    }
  }
  // To standard error: the tables on standard output are the result.
  console.error(`measured ${operation}`);
  const [first] = taking;
  return taking.map(({ contestant, rounds }) => {
    const ratio = (of: (round: Round) => number) =>
      median(rounds.map((round, index) => of(round) / of(first?.rounds[index] ?? round)));
    return {
      operation,
      contestant: contestant.name,
      requests: rounds.reduce((sum, { done }) => sum + done, 0),
      cpuMicroseconds: cpuOf(rounds) * 1e6,
      cpuRatio: cpuOf(rounds) / cpuOf(first?.rounds ?? rounds),
      p50: median(rounds.map(({ p50 }) => p50)),
      p99: median(rounds.map(({ p99 }) => p99)),
      p50Ratio: ratio(({ p50 }) => p50),
    };
  });
}

const cpuOf = (rounds: readonly Round[]) => lowerQuartile(rounds.map(({ cpu }) => cpu));

/** How long entries of the audit log may wait to be written, and some. */
const AUDIT_MS = 650;

/** Waits until what follows a request has been done, as it is part of its cost. */
export async function settled(operation: string): Promise<void> {
  if (operation.includes('/log-')) {
    await new Promise((done) => setTimeout(done, AUDIT_MS));
  }
}

interface Round {
  readonly done: number;
  readonly cpu: number;
  readonly p50: number;
  readonly p99: number;
}

function address({ origin, socketPath }: Contestant) {
  return { origin, ...(socketPath !== undefined && { socketPath }) };
}

function lowerQuartile(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 4)] ?? 0;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? 0)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}
