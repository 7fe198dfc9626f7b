import { spawn } from 'node:child_process';

/** What opens an address on each system; xdg-open elsewhere. */
const OPENERS: Readonly<Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
};

/**
 * Opens an address in the user's browser: by the program that `BROWSER` names, as in Python's webbrowser, or as the system
 * does. That there is none is no error: the address was printed too.
 *
 * @param address - an http address without blanks.
 */
export function openBrowser(
  address: string,
  browser: string | undefined,
  platform: NodeJS.Platform = process.platform,
): void {
  const [program, ...before] = browser ? [browser] : (OPENERS[platform] ?? ['xdg-open']);
  const child = spawn(program, [...before, address], { stdio: 'ignore', detached: true });
  child.on('error', () => {});
  child.unref();
}
