import type { Reporter, TestModule } from 'vitest/node';

/**
 * Ends a run with one line for machines, `N passed, N failed`, and `, N skipped` when some were. What went wrong
 * outside a test (a file that cannot be loaded, an error nobody caught) counts as failed, so that the line never looks
 * better than the run.
 */
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const count = { passed: 0, failed: errors.length, skipped: 0, pending: 0 };
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        count[test.result().state] += 1;
      }
      for (const suite of module.children.allSuites()) {
        count.failed += suite.errors().length;
      }
      count.failed += module.errors().length;
    }
    const skipped = count.skipped + count.pending;
    console.log(`${count.passed} passed, ${count.failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  }
}
