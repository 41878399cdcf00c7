import { constants } from 'node:os';
import { Logger } from '@nestjs/common';
import { type Config, readConfig } from './config.js';
import { ClusterIoError } from './errors.js';

/** A started process, and the two ways to end it. */
export interface Program {
  /** Ends in good order. */
  close(): Promise<void>;
  /** Ends what would be left behind by an end at once. */
  cut(): void;
}

/** How to end. */
export interface Ending {
  readonly close: () => Promise<void>;
  /** How long that may take before what is left is cut. */
  readonly timeoutMs: number;
  readonly exitCode: number;
}

export interface RunOptions {
  readonly start: () => Promise<Program>;
  /** The signals that ask for an end in good order; a second one ends at once. */
  readonly signals: readonly NodeJS.Signals[];
  readonly shutdownTimeoutMs: number;
  /** How to end after an exception that nobody caught; as after a signal, where nothing is said. The exit code is 1. */
  readonly afterUncaught?: () => Pick<Ending, 'close' | 'timeoutMs'>;
}

/** Ends the process in good order, once; what is not given is as after a signal. */
export type End = (ending?: Partial<Ending>) => void;

/** A signal to a process group comes again where a parent in that group, as npm, passes it on. */
const echoMs = 250;

/** Runs a process from its start to its end: exit code 0, 1 for a failure, 128 + n for a second signal n. */
export async function runProgram({ start, signals, shutdownTimeoutMs, afterUncaught }: RunOptions): Promise<End> {
  const logger = new Logger('Program');
  let program: Program | undefined;
  let endingSince: number | undefined;

  const close = async (): Promise<void> => program?.close();
  const end: End = (wanted = {}) => {
    if (endingSince !== undefined) return;
    endingSince = performance.now();
    void finish({ close, timeoutMs: shutdownTimeoutMs, exitCode: 0, ...wanted }, () => program?.cut());
  };
  for (const signal of signals) {
    process.on(signal, () => {
      if (program && endingSince === undefined) return end();
      if (endingSince !== undefined && performance.now() - endingSince < echoMs) return;
      program?.cut();
      process.exit(128 + constants.signals[signal]);
    });
  }
  process.on('uncaughtException', (error) => {
    if (!program) fail(error);
    logger.fatal(error);
    end({ ...afterUncaught?.(), exitCode: 1 });
  });

  try {
    program = await start();
  } catch (error) {
    fail(error);
  }
  return end;
}

async function finish({ close, timeoutMs, exitCode }: Ending, cut: () => void): Promise<never> {
  setTimeout(() => {
    new Logger('Program').error(`not everything ended within ${timeoutMs} ms: cutting what is left`);
    cut();
    process.exit(1);
  }, timeoutMs).unref();

  try {
    await close();
    return process.exit(exitCode);
  } catch (error) {
    cut();
    return fail(error);
  }
}

/** What this project's own errors say is enough; of others the stack is needed. */
export function fail(error: unknown): never {
  const text = error instanceof ClusterIoError ? error.message : error instanceof Error ? error.stack : String(error);
  process.stderr.write(`${text}\n`);
  process.exit(1);
}

/** Ends the process with one sentence when the environment is wrong, before anything has started. */
export function readConfigOrFail(): Config {
  try {
    return readConfig();
  } catch (error) {
    return fail(error);
  }
}
