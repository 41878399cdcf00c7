import { Injectable, type OnModuleDestroy } from '@nestjs/common';

/** Whether this process should get new clients. */
@Injectable()
export class Readiness implements OnModuleDestroy {
  private current: 'starting' | 'ready' | 'stopping' = 'starting';

  get state(): 'starting' | 'ready' | 'stopping' {
    return this.current;
  }

  /** Said once, when it listens and hears the other processes. */
  declareReady(): void {
    if (this.current === 'starting') this.current = 'ready';
  }

  /** The first of Nest's hooks, so that a load balancer learns it before the first client is sent away. */
  onModuleDestroy(): void {
    this.current = 'stopping';
  }
}
