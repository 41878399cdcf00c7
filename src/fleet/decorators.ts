import { SetMetadata } from '@nestjs/common';
import type { FleetJobOptions } from '../fleet-schedule.js';

export const FLEET_JOB = Symbol('FLEET_JOB');

export type FleetJobSchedule =
  { readonly every: number } | { readonly cron: string; readonly timeZone: string | undefined };

/** What a decorator says of a method. */
export type FleetJobDeclaration = FleetJobSchedule & { readonly options: FleetJobOptions };

/**
 * Runs the method in one primary of the fleet, at each multiple of `ms`, from 10 to 2^31 - 1, of the fleet's clock.
 *
 *     @FleetInterval('clean up', 60_000)
 *     async cleanUp({ term, signal }: FleetRun): Promise<void> { … }
 *
 * What it throws is logged and counted. Each due time is claimed in the lease's Redis before it runs, so that no other
 * primary runs it as well, whatever it believes; only a failover of Redis that loses the claim can repeat one.
 */
export function FleetInterval(ms: number, options?: FleetJobOptions): MethodDecorator;
export function FleetInterval(name: string, ms: number, options?: Omit<FleetJobOptions, 'name'>): MethodDecorator;
export function FleetInterval(first: string | number, second?: number | FleetJobOptions, third?: FleetJobOptions) {
  const declaration: FleetJobDeclaration =
    typeof first === 'string'
      ? { every: second as number, options: { ...third, name: first } }
      : { every: first, options: (second as FleetJobOptions | undefined) ?? {} };
  return SetMetadata(FLEET_JOB, declaration);
}

export interface FleetCronOptions extends FleetJobOptions {
  /**
   * As in `Europe/Paris`; the same on every host.
   * @default the host's own
   */
  readonly timeZone?: string;
}

/**
 * Runs the method in one primary of the fleet, when the cron expression (of five or six fields) says so.
 *
 *     @FleetCron('0 3 * * *', { timeZone: 'Europe/Paris', missed: 'run-late' })
 *     async report(run: FleetRun): Promise<void> { … }
 */
export function FleetCron(expression: string, { timeZone, ...options }: FleetCronOptions = {}): MethodDecorator {
  const declaration: FleetJobDeclaration = { cron: expression, timeZone, options };
  return SetMetadata(FLEET_JOB, declaration);
}
