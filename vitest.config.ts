import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    reporters: ['default', './test/support/closing-line.ts'],
    pool: 'forks',
    maxWorkers: 2,
    // What is waited for comes, on a busy machine too.
    expect: { poll: { timeout: 10_000 } },
    testTimeout: 60_000,
    // The first test that asks for a stock MLflow waits until it has made its database.
    hookTimeout: 180_000,
  },
});
