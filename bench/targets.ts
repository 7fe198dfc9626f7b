/** What the figures of the gateway are held against: multiples of the first contestant's, unless a unit is named. */
export const ARTIFACT_THROUGHPUT = '≥ 0.90';
export const ARTIFACT_MEMORY = '≤ 30';
export const START = '< 1000 ms';
/** With the audit log, as a multiple of without. */
export const AUDIT = 1.05;
export const AT_REST = '< 120 MB';

export type Part = 'alone' | 'outside' | 'mlflow' | 'searches' | 'scale' | 'workers';

/** The most CPU that an operation may cost through the gateway; undefined for other contestants, and where none is set. */
export function mostCpu(part: Part, operation: string, contestant: string): number | undefined {
  // With several workers it is the time that counts.
  if (part === 'workers' || !contestant.startsWith('gateway')) {
    return undefined;
  }
  if (part === 'scale') {
    return 5;
  }
  if (operation.endsWith('5 of 2,000')) {
    return 3;
  }
  if (operation.endsWith('5 of 20,000')) {
    return 5;
  }
  return part === 'alone' || part === 'outside' ? besideBareProxy(operation, contestant) : 1.05;
}

/** As a multiple of what SQLite costs. */
const POSTGRESQL = 1.15;

function besideBareProxy(operation: string, contestant: string): number {
  return besideBare(operation, contestant) * (contestant.endsWith('PostgreSQL') ? POSTGRESQL : 1);
}

function besideBare(operation: string, contestant: string): number {
  if (operation.endsWith('batch of 1000')) {
    return 1.5;
  }
  if (operation.endsWith('batch of 100')) {
    return 1.3;
  }
  return contestant.endsWith('admin') ? 0.9 : 1;
}
