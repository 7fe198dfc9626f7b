import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import { ROOT } from './children.ts';

interface Row {
  readonly operation: string;
  readonly contestant: string;
  readonly cpuMicroseconds: number;
  readonly cpuRatio: number;
}

/** A run as one line of `history.jsonl`: the commit, the machine, and what each row of each part cost. */
export function historyLine({ at, quick, notes, ...parts }: Readonly<Record<string, unknown>>): string {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim();
  const commit =
    git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', 'src') === '' ? '' : ' and changes');
  const machine = `${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}`;
  const rows = Object.fromEntries(
    Object.entries(parts).map(([part, measured]) => [
      part,
      Array.isArray(measured) ? shortened(measured) : measured,
    ]),
  );
  return `${JSON.stringify({ at, commit, machine, quick, ...rows })}\n`;
}

/** Operation, contestant, microseconds and ratio where a part measured those; what another measured as it is. */
function shortened(measured: readonly unknown[]): readonly unknown[] {
  return measured.map((each) => {
    const { operation, contestant, cpuMicroseconds, cpuRatio } = each as Row;
    return cpuRatio === undefined
      ? each
      : [operation, contestant, Math.round(cpuMicroseconds), Number(cpuRatio.toFixed(2))];
  });
}
