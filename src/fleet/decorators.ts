import type { FleetJobOptions } from '../fleet-schedule.js';

const fleetJobs = Symbol('fleet jobs');

export type FleetJobSchedule = { readonly every: number } | { readonly cron: string; readonly timeZone: string };

/** What a decorator says of a method; a method may have several. */
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
  return declare(declaration);
}

export interface FleetCronOptions extends FleetJobOptions {
  /**
   * As in `Europe/Paris`.
   * @default "UTC", since the hosts of a fleet may have different ones
   */
  readonly timeZone?: string;
}

/**
 * Runs the method in one primary of the fleet, when the cron expression (of five or six fields) says so.
 *
 *     @FleetCron('0 3 * * *', { timeZone: 'Europe/Paris', missed: 'run-late' })
 *     async report(run: FleetRun): Promise<void> { … }
 */
export function FleetCron(
  expression: string,
  { timeZone = 'UTC', ...options }: FleetCronOptions = {},
): MethodDecorator {
  return declare({ cron: expression, timeZone, options });
}

/** Kept by the method's name, so that decorators which put another function in its place take nothing away. */
function declare(declaration: FleetJobDeclaration): MethodDecorator {
  return (target, method) => {
    Reflect.defineMetadata(fleetJobs, [...declarationsOf(target, method), declaration], target, method);
  };
}

/** What the decorators say of a method that this very class, or prototype, has. */
export function declarationsOf(target: object, method: string | symbol): readonly FleetJobDeclaration[] {
  const declared: unknown = Reflect.getOwnMetadata(fleetJobs, target, method);
  return Array.isArray(declared) ? (declared as FleetJobDeclaration[]) : [];
}
