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

export interface RunOptions {
  readonly start: () => Promise<Program>;
  /** The signals that ask for an end in good order; a second one ends at once. */
  readonly signals: readonly NodeJS.Signals[];
  readonly shutdownTimeoutMs: number;
}

export interface RunningProgram {
  /** Ends the process in good order, as the first signal does. */
  readonly end: () => void;
}

/** A signal to a process group comes again where a parent in that group, as npm, passes it on. */
const echoMs = 250;

/** Runs a process from its start to its end: exit code 0, 1 for a failure, 128 + n for a second signal n. */
export async function runProgram({ start, signals, shutdownTimeoutMs }: RunOptions): Promise<RunningProgram> {
  let program: Program | undefined;
  let endingSince: number | undefined;

  const end = (): void => {
    if (endingSince !== undefined) return;
    endingSince = performance.now();
    void endProgram(program, shutdownTimeoutMs);
  };
  for (const signal of signals) {
    process.on(signal, () => {
      if (program && endingSince === undefined) return end();
      if (endingSince !== undefined && performance.now() - endingSince < echoMs) return;
      program?.cut();
      process.exit(128 + constants.signals[signal]);
    });
  }

  try {
    program = await start();
  } catch (error) {
    fail(error);
  }
  return { end };
}

async function endProgram(program: Program | undefined, shutdownTimeoutMs: number): Promise<void> {
  setTimeout(() => {
    new Logger('Program').error(`not everything ended within ${shutdownTimeoutMs} ms: cutting what is left`);
    program?.cut();
    process.exit(1);
  }, shutdownTimeoutMs).unref();

  try {
    await program?.close();
    process.exit(0);
  } catch (error) {
    program?.cut();
    fail(error);
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
