import { execFile } from 'node:child_process';
import { Logger } from '@nestjs/common';

export interface SystemdEnvironment {
  /** NOTIFY_SOCKET, where systemd listens. */
  readonly socket: string | undefined;
  /** WATCHDOG_USEC in milliseconds: how long systemd waits for a sign of life. */
  readonly watchdogMs: number | undefined;
}

/**
 * Tells systemd how the service is, as `sd_notify(3)` describes.
 *
 * The protocol is a datagram to a unix socket, which Node cannot send, so `systemd-notify` does it: the unit needs
 * `NotifyAccess=all`. Without NOTIFY_SOCKET nothing happens.
 */
export class SystemdNotifier {
  private readonly logger = new Logger(SystemdNotifier.name);
  private watchdog: NodeJS.Timeout | undefined;
  private last: Promise<void> = Promise.resolve();

  constructor(private readonly environment: SystemdEnvironment) {}

  ready(status: string): Promise<void> {
    return this.notify('READY=1', `STATUS=${status}`, `MAINPID=${process.pid}`);
  }

  /** `ready` says that it is over. */
  reloading(): Promise<void> {
    const monotonicUs = process.hrtime.bigint() / 1_000n;
    return this.notify('RELOADING=1', `MONOTONIC_USEC=${monotonicUs}`, 'STATUS=replacing the workers');
  }

  async stopping(): Promise<void> {
    clearInterval(this.watchdog);
    await this.notify('STOPPING=1', 'STATUS=letting the clients go');
  }

  /** Gives a sign of life twice as often as needed, as long as `healthy` holds. A blocked loop gives none. */
  watch(healthy: () => boolean): void {
    const { watchdogMs } = this.environment;
    if (watchdogMs === undefined) return;
    this.watchdog = setInterval(() => {
      if (healthy()) void this.notify('WATCHDOG=1');
    }, watchdogMs / 2);
  }

  /** One after the other, so that a state cannot overtake the next. */
  private notify(...assignments: string[]): Promise<void> {
    const { socket } = this.environment;
    if (socket === undefined) return Promise.resolve();
    this.last = this.last.then(() => this.send(socket, assignments));
    return this.last;
  }

  private send(socket: string, assignments: string[]): Promise<void> {
    return new Promise((resolve) => {
      const options = { env: { PATH: '/usr/bin:/bin', NOTIFY_SOCKET: socket }, timeout: 5_000 };
      execFile('systemd-notify', assignments, options, (error) => {
        if (error) this.logger.warn(`systemd was not told ${assignments[0]}: ${error.message}`);
        resolve();
      });
    });
  }
}
