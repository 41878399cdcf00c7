import { ConsoleLogger, type LogLevel } from '@nestjs/common';
import type { Config } from './config.js';

/** Parts of Nest that say a line for every module, route and event at each start, once per worker. */
const chatty = new Set([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
  'WebSocketsController',
]);

const levels: LogLevel[] = ['fatal', 'error', 'warn', 'log', 'debug', 'verbose'];

/** Nest's own logger, which says which process speaks. */
export class ProcessLogger extends ConsoleLogger {
  private quiet: boolean;

  constructor(processName: string, { logLevel, logFormat }: Pick<Config, 'logLevel' | 'logFormat'>) {
    const logLevels = upTo(logLevel);
    super({ prefix: processName, logLevels, json: logFormat === 'json' });
    this.quiet = !logLevels.includes('debug');
  }

  /** Says from now on what is as important as `level` or more. */
  setLevel(level: string): void {
    const logLevels = upTo(level);
    this.setLogLevels(logLevels);
    this.quiet = !logLevels.includes('debug');
  }

  /** Nest shows the prefix in text only. */
  protected override getJsonLogObject(...args: Parameters<ConsoleLogger['getJsonLogObject']>) {
    return { process: this.options.prefix, ...super.getJsonLogObject(...args) };
  }

  override log(message: unknown, ...rest: unknown[]): void {
    if (this.quiet && chatty.has(String(rest.at(-1)))) return;
    super.log(message, ...(rest as [string?]));
  }
}

function upTo(level: string): LogLevel[] {
  return levels.filter((_, index) => index <= levels.findIndex((each) => each === level));
}
