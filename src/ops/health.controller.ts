import type { ServerResponse } from 'node:http';
import { Controller, Get, Inject, Query, Res } from '@nestjs/common';
import { Carrier, type CarrierHealth } from '../carrier.js';
import { WorkerIdentity } from '../identity.js';
import { refusedMessages } from '../refused-messages.js';
import type { SlowClientFigures } from '../slow-clients.js';
import { Readiness } from './readiness.js';
import { SlowClientReport } from './slow-client-report.js';

export interface Health {
  /** `degraded`: it serves its clients, but the carrier is away, or workers are missing that may not be forked. */
  readonly status: 'ok' | 'degraded' | 'starting' | 'stopping';
  readonly worker: number;
  readonly host: string;
  readonly carrier: { readonly name: string } & CarrierHealth;
  /** How many messages of other processes were wrong, and not taken, since the start. */
  readonly refused: number;
  readonly slowClients: SlowClientFigures;
}

@Controller('health')
export class HealthController {
  constructor(
    @Inject(Readiness) private readonly readiness: Readiness,
    @Inject(Carrier) private readonly carrier: Carrier,
    @Inject(SlowClientReport) private readonly slowClients: SlowClientReport,
    @Inject(WorkerIdentity) private readonly worker: WorkerIdentity,
  ) {}

  /**
   * 200 only while this process should get new clients, else 503. With `?strict` also 503 while it is degraded: for a
   * monitor, or for a balancer that has hosts which are not.
   */
  @Get()
  health(@Res({ passthrough: true }) response: ServerResponse, @Query('strict') strict?: string): Health {
    const status = this.status();
    if (status === 'degraded' && strict !== undefined) response.statusCode = 503;
    if (this.readiness.state !== 'ready') {
      response.statusCode = 503;
      response.setHeader('Connection', 'close');
    }
    return {
      status,
      worker: this.worker.slot,
      host: this.worker.host,
      carrier: { name: this.carrier.name, ...this.carrier.health },
      refused: refusedMessages.total,
      slowClients: this.slowClients.read(),
    };
  }

  private status(): Health['status'] {
    if (this.readiness.state !== 'ready') return this.readiness.state;
    const whole = this.carrier.health.state === 'connected' && !this.readiness.clusterDegraded;
    return whole ? 'ok' : 'degraded';
  }
}
