import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

/** What to measure: one process with all its threads, or every process of a group. */
export type Measured = { readonly pid: number } | { readonly group: number };

/** Nanoseconds that each thread has run so far. */
export type CpuSnapshot = ReadonlyMap<string, number>;

/** Reads the scheduler's own count; `/proc/PID/stat` would count in hundredths of a second. */
export function cpuNow(measured: readonly Measured[]): CpuSnapshot {
  const snapshot = new Map<string, number>();
  for (const each of measured) {
    for (const pid of 'pid' in each ? [each.pid] : processesOf(each.group)) {
      addThreads(snapshot, pid);
    }
  }
  return snapshot;
}

/** CPU seconds between two snapshots. A thread that has ended meanwhile counts for nothing. */
export function cpuSeconds(before: CpuSnapshot, after: CpuSnapshot): number {
  let nanoseconds = 0;
  for (const [thread, ran] of after) {
    nanoseconds += ran - (before.get(thread) ?? 0);
  }
  return nanoseconds / 1e9;
}

function addThreads(snapshot: Map<string, number>, pid: number): void {
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const text = read(`/proc/${pid}/task/${thread}/schedstat`);
    if (text !== undefined) {
      snapshot.set(`${pid} ${thread}`, Number(text.split(' ')[0]));
    }
  }
}

function processesOf(group: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && groupOf(name) === group)
    .map(Number);
}

function groupOf(pid: string): number | undefined {
  const text = read(`/proc/${pid}/stat`);
  // The name in parentheses may hold blanks and parentheses of its own.
  return text === undefined ? undefined : Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[2]);
}

/** Undefined for a process that has just ended. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}

/** Resident memory of a process in MB, now and at its highest since {@link forgetPeak}. */
export function memoryMb(pid: number): { readonly now: number; readonly peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024;
  return { now: field('VmRSS'), peak: field('VmHWM') };
}

/** Starts the highest resident memory anew (proc(5), clear_refs). */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}
