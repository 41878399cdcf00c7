import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { controlCommands } from './control-commands.js';
import { ControlServer } from './control-server.js';
import type { FleetControl } from '../fleet-status.js';
import { ReplacementFailedError } from './errors.js';
import type { ClusterStatus } from './status.js';
import { Supervisor } from './supervisor.js';
import { type SystemdEnvironment, SystemdNotifier } from './systemd-notifier.js';

export const OPERATOR_OPTIONS = Symbol('OPERATOR_OPTIONS');

export interface OperatorOptions {
  readonly controlSocket: string;
  readonly place: Pick<ClusterStatus, 'host' | 'port' | 'listen'>;
  readonly systemd: SystemdEnvironment;
  /** With fewer ready workers systemd gets no sign of life. */
  readonly quorum: number;
  /** Sets what the primary itself logs. */
  readonly setLogLevel: (level: string) => void;
  /** Ends the program in good order. */
  readonly end: () => void;
  readonly fleet: FleetControl;
}

/** Does what an operator asks: by signal, over the control socket, as a service of systemd. */
@Injectable()
export class Operator
  implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown
{
  private readonly logger = new Logger(Operator.name);
  private readonly systemd: SystemdNotifier;
  private control: ControlServer | undefined;

  private readonly onSignal: Readonly<Partial<Record<NodeJS.Signals, () => void>>> = {
    SIGHUP: () => void this.reload().catch((error: unknown) => this.say(error)),
    SIGTTIN: () => this.rescale(1),
    SIGTTOU: () => this.rescale(-1),
    SIGQUIT: () => this.quit(),
  };

  constructor(
    @Inject(Supervisor) private readonly supervisor: Supervisor,
    @Inject(OPERATOR_OPTIONS) private readonly options: OperatorOptions,
  ) {
    this.systemd = new SystemdNotifier(options.systemd);
  }

  /** Before anything is forked, so that a cluster that does not come up can be asked why. */
  async onModuleInit(): Promise<void> {
    const { controlSocket, place, end, fleet } = this.options;
    this.control = await ControlServer.open(
      controlSocket,
      controlCommands({
        supervisor: this.supervisor,
        fleet,
        place,
        reload: () => this.reload(),
        stop: end,
        setLogLevel: (level) => this.setLogLevel(level),
      }),
    );
    for (const [signal, listener] of Object.entries(this.onSignal)) process.on(signal, listener);
  }

  onApplicationBootstrap(): void {
    this.systemd.watch(() => this.supervisor.ready >= Math.min(this.options.quorum, this.supervisor.wanted));
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.systemd.stopping();
  }

  async onApplicationShutdown(): Promise<void> {
    for (const [signal, listener] of Object.entries(this.onSignal)) process.off(signal, listener);
    await this.control?.close();
  }

  /** Tells systemd that every worker serves. */
  async declareReady(): Promise<void> {
    await this.systemd.ready(`${this.supervisor.ready} workers serve`);
  }

  private async reload(): Promise<void> {
    // What is refused must not tell systemd that the one under way is over.
    this.supervisor.assertReplaceable();
    this.logger.log('replacing all workers');
    const reloaded = this.supervisor.reload();
    void this.systemd.reloading();
    try {
      await reloaded;
      this.logger.log(`all ${this.supervisor.wanted} workers have been replaced`);
    } finally {
      await this.declareReady();
    }
  }

  private rescale(change: number): void {
    const workers = Math.max(1, this.supervisor.wanted + change);
    this.logger.log(`keeping ${workers} workers from now on`);
    this.supervisor.scale(workers).catch((error: unknown) => this.say(error));
  }

  private say(refusal: unknown): void {
    // The supervisor has said so itself.
    if (refusal instanceof ReplacementFailedError) return;
    this.logger.error(refusal instanceof Error ? refusal.message : refusal);
  }

  private quit(): void {
    this.options.end();
    this.supervisor.cut();
  }

  private setLogLevel(level: string): void {
    this.options.setLogLevel(level);
    this.supervisor.setLogLevel(level);
  }
}
