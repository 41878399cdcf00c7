import { writeFileSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';

/** Says in one line how many tests ran, and leaves it in the file that TEST_COUNTS names, for `.ci/run` to add up. */
class CountingReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const count = (state: string): number => tests.filter((test) => test.result().state === state).length;
    const broken = modules.filter((module) => module.errors().length > 0).length;
    const counts = { passed: count('passed'), failed: count('failed') + broken, skipped: count('skipped') };

    process.stdout.write(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`);
    if (process.env['TEST_COUNTS']) writeFileSync(process.env['TEST_COUNTS'], JSON.stringify(counts));
  }
}

// Vitest takes a reporter from a file by its default export.
// oxlint-disable-next-line import/no-default-export
export default CountingReporter;
