import { Inject, Injectable, Optional } from '@nestjs/common';
import { Emitter } from '@socket.io/redis-emitter';
import type {
  DefaultEventsMap,
  EventNames,
  EventParams,
  EventsMap,
} from '@socket.io/redis-emitter/dist/typed-events.js';
import { Publisher } from '../publisher.js';

export const EMITTER_OPTIONS = Symbol('EMITTER_OPTIONS');

export interface EmitterOptions {
  /**
   * Prefix of every channel, as the workers' adapter has it.
   * @default "socket.io"
   */
  readonly key?: string;
  /** @default "/" */
  readonly namespace?: string;
}

/**
 * Publishes to clients without serving any: from the primary, from a worker's controller, from any process.
 *
 *     emitter.to('lobby').emit('said', message);
 *     emitter.of('/notifications').to(`user:${id}`).emit('notification', notification);
 *
 * It is the official emitter (`to`, `in`, `except`, `volatile`, `emit`, `socketsJoin`, `socketsLeave`,
 * `disconnectSockets`) over the process's carrier, typed by the events of the clients and of `serverSideEmit`.
 * Nothing here throws or rejects because of the carrier: what could not be published is counted in
 * `carrier.health.lost`.
 */
@Injectable()
export class ClusterEmitter<
  ServerEvents extends EventsMap = DefaultEventsMap,
  ClusterEvents extends EventsMap = DefaultEventsMap,
> extends Emitter<ServerEvents> {
  constructor(
    @Inject(Publisher) private readonly publisher: Publisher,
    @Optional() @Inject(EMITTER_OPTIONS) private readonly options: EmitterOptions = {},
  ) {
    super(publisher, { key: options.key ?? 'socket.io' }, options.namespace ?? '/');
  }

  /** An emitter for another namespace; a missing "/" at the start is added. */
  override of<Events extends EventsMap = ServerEvents, OtherClusterEvents extends EventsMap = ClusterEvents>(
    namespace: string,
  ): ClusterEmitter<Events, OtherClusterEvents> {
    const name = namespace.startsWith('/') ? namespace : `/${namespace}`;
    return new ClusterEmitter<Events, OtherClusterEvents>(this.publisher, { ...this.options, namespace: name });
  }

  /**
   * Raises an event in every server of the namespace, for `server.on(event, …)`.
   *
   * @throws Error when the last argument is a function: an emitter gets no acknowledgements.
   */
  override serverSideEmit<Event extends EventNames<ClusterEvents>>(
    event: Event,
    ...args: EventParams<ClusterEvents, Event>
  ): void {
    super.serverSideEmit(event, ...args);
  }
}
