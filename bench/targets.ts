/** What the figures of the gateway are held against: multiples of the first contestant's, unless a unit is named. */
export const ARTIFACT_THROUGHPUT = '≥ 0.90';
export const ARTIFACT_MEMORY = '≤ 30';
export const START = '< 1000 ms';
export const AT_REST = '< 120 MB';

export type Part = 'alone' | 'mlflow' | 'searches' | 'workers';

/** The most CPU that an operation may cost through the gateway; empty for other contestants, and where none is set. */
export function mostCpu(part: Part, operation: string, contestant: string): string {
  // With several workers it is the time that counts.
  if (part === 'workers' || !contestant.startsWith('gateway') || operation.includes('log-batch')) {
    return '';
  }
  if (operation.endsWith('5 of 2,000')) {
    return '≤ 3.00';
  }
  if (operation.endsWith('5 of 20,000')) {
    return '≤ 5.00';
  }
  return part === 'alone' ? '≤ 1.25' : '≤ 1.05';
}
