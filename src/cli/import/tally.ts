/** What is counted, in the order in which it is reported. */
export const COUNTED = [
  'users',
  'permissions of users',
  'roles',
  'permissions of roles',
  'members of roles',
] as const;
export type Counted = (typeof COUNTED)[number];

export interface Count {
  taken: number;
  alreadyThere: number;
  left: number;
}

/** What an import did, and what it did not. */
export interface Tally {
  readonly counts: Readonly<Record<Counted, Count>>;
  /** One line for each thing that was left, with the reason. */
  readonly left: string[];
  /** What the operator has to know or to do. */
  readonly warnings: string[];
  /** Counts something as left. */
  leave(what: Counted, line: string): void;
}

export function createTally(): Tally {
  const none = (): Count => ({ taken: 0, alreadyThere: 0, left: 0 });
  const counts = {
    users: none(),
    'permissions of users': none(),
    roles: none(),
    'permissions of roles': none(),
    'members of roles': none(),
  } satisfies Record<Counted, Count>;
  const left: string[] = [];
  return {
    counts,
    left,
    warnings: [],
    leave(what, line) {
      counts[what].left += 1;
      left.push(line);
    },
  };
}

/** A name as it stands in a line: what is around it and what is in it cannot be mixed up. */
export function quoted(name: string): string {
  return JSON.stringify(name);
}
