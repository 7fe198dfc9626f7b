import { defineConfig } from 'vitest/config';

/** What takes longer than `npm test` may, or needs more of a machine: `npm run test:compose`, `test:release`, `faults`. */
export default defineConfig({
  test: {
    include: ['test/**/*.long.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    reporters: ['default', './test/support/closing-line.ts'],
    fileParallelism: false,
    testTimeout: 900_000,
    hookTimeout: 900_000,
  },
});
