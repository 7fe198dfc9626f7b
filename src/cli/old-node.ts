import { manifest } from '../manifest.ts';

/**
 * What to say when this runs on a Node.js older than package.json asks for, where imports would fail in ways that
 * explain nothing; undefined on one that will do.
 *
 * @param running - a version, such as `20.20.2`.
 */
export function oldNode(running: string): string | undefined {
  const wanted = manifest.engines.node;
  const [major, minor] = numbersOf(running);
  const [wantedMajor, wantedMinor] = numbersOf(wanted);
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) {
    return undefined;
  }
  return `Node.js ${running} is too old: it takes ${wanted}. npm run and the commands in bin/ of the gateway's directory bring their own.`;
}

function numbersOf(version: string): readonly [major: number, minor: number] {
  const [, major, minor] = /(\d+)\.(\d+)/.exec(version) ?? [];
  return [Number(major), Number(minor)];
}
