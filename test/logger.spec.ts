import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { LogLevel } from '../src/config.js';
import { ProcessLogger } from '../src/logger.js';

describe('the logger of a process', () => {
  it('says in each line which process speaks', () => {
    const lines = printedBy(() => logger('log').log('ready', 'Worker'));

    expect(lines).toEqual([expect.stringMatching(/\[worker 2\].*LOG.*\[Worker\].*ready/)]);
  });

  it.each<[LogLevel, string[]]>([
    ['fatal', ['fatal']],
    ['warn', ['fatal', 'error', 'warn']],
    ['log', ['fatal', 'error', 'warn', 'log']],
    ['verbose', ['fatal', 'error', 'warn', 'log', 'debug', 'verbose']],
  ])('says at LOG_LEVEL=%s what is as grave or graver', (level, said) => {
    const lines = printedBy(() => {
      const spoken = logger(level);
      for (const name of ['fatal', 'error', 'warn', 'log', 'debug', 'verbose'] as const) spoken[name](`a ${name} line`);
    });

    expect(lines.map((line) => /a (\w+) line/.exec(line)?.[1])).toEqual(said);
  });

  it.each(['InstanceLoader', 'RoutesResolver', 'RouterExplorer', 'NestFactory', 'WebSocketsController'])(
    'leaves out what %s says at each start',
    (context) => {
      expect(printedBy(() => logger('log').log('dependencies initialized', context))).toEqual([]);
    },
  );

  it('says it where it was asked to tell more', () => {
    expect(printedBy(() => logger('debug').log('dependencies initialized', 'InstanceLoader'))).toHaveLength(1);
  });

  it('says what is wrong there in any case', () => {
    expect(printedBy(() => logger('log').warn('odd', 'InstanceLoader'))).toHaveLength(1);
  });

  it('writes one JSON object a line where it was asked to', () => {
    const [line] = printedBy(() =>
      new ProcessLogger('worker 2', { logLevel: 'log', logFormat: 'json' }).log('ready', 'Worker'),
    );

    expect(JSON.parse(line!)).toMatchObject({ level: 'log', message: 'ready', context: 'Worker', pid: process.pid });
  });

  it('says in JSON as well which process speaks', () => {
    const [line] = printedBy(() =>
      new ProcessLogger('worker 2', { logLevel: 'log', logFormat: 'json' }).log('ready', 'Worker'),
    );

    expect(line).toContain('worker 2');
  });
});

function logger(logLevel: LogLevel): ProcessLogger {
  return new ProcessLogger('worker 2', { logLevel, logFormat: 'text' });
}

function printedBy(speak: () => void): string[] {
  const lines: string[] = [];
  const record = (text: string | Uint8Array): boolean => lines.push(String(text)) > 0;
  const streams = [process.stdout, process.stderr].map((stream) =>
    vi.spyOn(stream, 'write').mockImplementation(record),
  );
  onTestFinished(() => streams.forEach((stream) => stream.mockRestore()));
  speak();
  for (const stream of streams) stream.mockRestore();
  return lines;
}
