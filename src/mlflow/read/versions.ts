import { SAMPLED_VERSIONS } from './fields.ts';

type Numbers = readonly [major: number, minor: number, patch: number];

/** `3.17.2` → 3, 17, 2; undefined for what is no release, as `3.18.0rc1`. */
function numbersOf(version: string): Numbers | undefined {
  const [, major, minor, patch = '0'] = /^(\d+)\.(\d+)(?:\.(\d+))?$/.exec(version) ?? [];
  return major === undefined || minor === undefined
    ? undefined
    : [Number(major), Number(minor), Number(patch)];
}

function isBefore(a: string, b: string): boolean {
  const [left, right] = [numbersOf(a), numbersOf(b)];
  if (left === undefined || right === undefined) {
    return false;
  }
  const index = left.findIndex((number, position) => number !== right[position]);
  return index !== -1 && (left[index] ?? 0) < (right[index] ?? 0);
}

/** The versions looked at that are next to one that was not; undefined beyond the oldest or newest. */
export function neighboursOf(version: string): {
  readonly below: string | undefined;
  readonly above: string | undefined;
} {
  return {
    below: SAMPLED_VERSIONS.findLast((known) => isBefore(known, version)),
    above: SAMPLED_VERSIONS.find((known) => isBefore(version, known)),
  };
}

/**
 * The version by whose messages a server's requests are read: its own, else one of its own minor version, else the one
 * below it.
 *
 * @param version - as the server says it; undefined for what is no release, where all versions stand in for it.
 */
export function nearestVersion(version: string): string | undefined {
  if (SAMPLED_VERSIONS.includes(version)) {
    return version;
  }
  const numbers = numbersOf(version);
  if (numbers === undefined) {
    return undefined;
  }
  const { below, above } = neighboursOf(version);
  const minor = numbers.slice(0, 2).join('.');
  return above?.startsWith(`${minor}.`) ? above : (below ?? above);
}
