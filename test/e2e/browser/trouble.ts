import { expect } from 'vitest';
import type { Seat } from '../../support/browser.ts';

/** What MLflow's pages complain of although all is well; everything else fails a test. */
const HARMLESS: readonly RegExp[] = [
  // Stock MLflow's answer while it runs without workspaces; the dialog that asks goes on without.
  /^GET \/ajax-api\/3\.0\/mlflow\/workspaces 503$/,
  // Chromium's remark that a page was laid out twice.
  /^console .*ResizeObserver loop/,
  // The machine's network has changed under the browser, which asks again.
  / net::ERR_NETWORK_CHANGED$/,
];

/**
 * Waits until the page has all it asked for, then takes what went wrong, less the {@link HARMLESS} and what the test
 * says belongs to what it did.
 */
export async function unexpectedTrouble(seat: Seat, expected: readonly string[] = []): Promise<string[]> {
  await expect.poll(() => seat.pending(), { timeout: 20_000 }).toEqual([]);
  return seat
    .takeTrouble()
    .filter((line) => !HARMLESS.some((pattern) => pattern.test(line)) && !expected.includes(line));
}
