import { configDefaults, defineConfig } from 'vitest/config';
import config from './vitest.config.js';

/** What takes minutes: `npm run test:long`. */
export default defineConfig({
  test: {
    ...config.test,
    include: ['test/long/**/*.spec.ts'],
    exclude: configDefaults.exclude,
    maxWorkers: 1,
    testTimeout: 300_000,
  },
});
