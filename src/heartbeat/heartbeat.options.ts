export const HEARTBEAT_OPTIONS = Symbol('HEARTBEAT_OPTIONS');

export interface HeartbeatOptions {
  /**
   * Time between two beats, in milliseconds, from 10 to 2^31 - 1.
   * @default 1_000
   */
  readonly intervalMs?: number;
  /**
   * Prefix of every channel, as the workers' adapter has it.
   * @default "socket.io"
   */
  readonly key?: string;
}

export type ResolvedHeartbeatOptions = Readonly<Required<HeartbeatOptions>>;

/** @throws RangeError when `intervalMs` is out of its range. */
export function resolveHeartbeatOptions(options: HeartbeatOptions): ResolvedHeartbeatOptions {
  const { intervalMs = 1_000, key = 'socket.io' } = options;
  if (!Number.isInteger(intervalMs) || intervalMs < 10 || intervalMs > 2 ** 31 - 1) {
    throw new RangeError(
      `Expected \`intervalMs\` to be a whole number of milliseconds from 10 to ${2 ** 31 - 1}, got ${intervalMs}.`,
    );
  }
  return { intervalMs, key };
}
