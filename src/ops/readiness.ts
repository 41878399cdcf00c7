import { Injectable, type OnModuleDestroy } from '@nestjs/common';

export type ReadinessState = 'starting' | 'ready' | 'stopping';

/** Whether this process should get new clients, and whether the cluster around it is whole. */
@Injectable()
export class Readiness implements OnModuleDestroy {
  /** Set by the primary while workers are missing that it may not fork. */
  clusterDegraded = false;
  private current: ReadinessState = 'starting';

  get state(): ReadinessState {
    return this.current;
  }

  /** Said once, when it listens and hears the other processes. */
  declareReady(): void {
    if (this.current === 'starting') this.current = 'ready';
  }

  /** So that a load balancer learns it before the first client is sent away. */
  declareStopping(): void {
    this.current = 'stopping';
  }

  /** The first of Nest's hooks. */
  onModuleDestroy(): void {
    this.declareStopping();
  }
}
