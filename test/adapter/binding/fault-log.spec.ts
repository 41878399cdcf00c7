import { Logger } from '@nestjs/common';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FaultLog } from '../../../src/adapter/binding/fault-log.js';

describe('the log of faults', () => {
  it('names gateway and event, and has the stack', () => {
    const { faults, lines } = listen();

    faults.report('ChatGateway', 'say', new Error('oops'));

    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^ChatGateway failed in "say": Error: oops\n {4}at /);
  });

  it('tells each of the first ten of a kind, then whenever their number has doubled', () => {
    const { faults, lines } = listen();

    for (let fault = 0; fault < 1_000; fault++) faults.report('ChatGateway', 'say', 'oops');

    expect(lines).toHaveLength(10 + [16, 32, 64, 128, 256, 512].length);
    expect(lines.at(-1)).toBe('ChatGateway failed in "say" (512 times since the start): oops');
    expect(faults.faults).toEqual([{ gateway: 'ChatGateway', event: 'say', count: 1_000 }]);
  });

  it('keeps a bounded number of kinds', () => {
    const { faults } = listen();

    for (let event = 0; event < 5_000; event++) faults.report('ChatGateway', `event ${event}`, 'oops');

    expect(faults.faults).toHaveLength(1_001);
    expect(faults.faults.at(-1)).toEqual({ gateway: 'ChatGateway', event: 'others', count: 4_000 });
  });

  it('survives what cannot be printed', () => {
    const { faults, lines } = listen();

    faults.report('ChatGateway', 'say', Object.create(null));

    expect(lines).toEqual(['ChatGateway failed in "say": something that cannot be printed']);
  });
});

function listen() {
  const lines: string[] = [];
  const say = (line: string): void => void lines.push(line);
  Logger.overrideLogger({ log: say, error: say, warn: say });
  onTestFinished(() => Logger.overrideLogger(false));
  return { faults: new FaultLog(), lines };
}
