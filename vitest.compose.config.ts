import { defineConfig } from 'vitest/config';

/** `npm run test:compose`: long, and in need of a Docker daemon, which `npm test` is not. */
export default defineConfig({
  test: {
    include: ['test/compose/**/*.compose.ts'],
    fileParallelism: false,
    testTimeout: 600_000,
    hookTimeout: 900_000,
  },
});
