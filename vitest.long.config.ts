import { defineConfig } from 'vitest/config';

/** What takes longer than `npm test` may, or needs more of a machine: `npm run test:compose`, `test:release`, `faults`. */
export default defineConfig({
  test: {
    include: ['test/**/*.long.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    reporters: ['default', './test/support/closing-line.ts'],
    fileParallelism: false,
    // What is waited for comes, on a busy machine too.
    expect: { poll: { timeout: 10_000 } },
    testTimeout: 900_000,
    hookTimeout: 900_000,
  },
});
