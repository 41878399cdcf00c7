import { ConsoleLogger, type LogLevel } from '@nestjs/common';
import type { Config } from './config.js';

/** Parts of Nest that say a line for every module, route and event at each start, once per worker. */
const chatty = new Set(['NestFactory', 'InstanceLoader', 'RoutesResolver', 'RouterExplorer', 'NestApplication']);
chatty.add('WebSocketsController');

const levels: LogLevel[] = ['fatal', 'error', 'warn', 'log', 'debug', 'verbose'];

/** Nest's own logger, which says which process speaks. */
export class ProcessLogger extends ConsoleLogger {
  private readonly quiet: boolean;

  constructor(processName: string, { logLevel, logFormat }: Pick<Config, 'logLevel' | 'logFormat'>) {
    const logLevels = levels.slice(0, levels.indexOf(logLevel) + 1);
    super({ prefix: processName, logLevels, json: logFormat === 'json' });
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
