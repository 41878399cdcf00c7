import { isObservable, type Observable, type Subscription } from 'rxjs';
import { Socket } from 'socket.io';
import { internalError, type Refusal, toRefusal } from '../../refusal.js';
import { type Acknowledge, Answer, Reply } from './answer.js';
import type { GatewayBinding } from './gateway-binding.js';
import type { GatewayLayer } from './gateway-layer.js';
import type { Handler, HandlerArguments, HandlerOwner } from './handler.js';
import { Following } from './following.js';
import { isPromise } from './handler-factory.js';
import { type Middleware, runMiddleware } from './middleware.js';
import { isWsResponse } from './ws-response.js';

/** The handlers of each event, shared by all clients of a namespace. */
export type HandlerTable = ReadonlyMap<unknown, readonly Handler[]>;

/** What is used of a Socket.IO socket, which it does not declare as public. */
interface Dispatching {
  readonly fns: readonly Middleware[];
  dispatch(packet: unknown[]): void;
  emitReserved(event: string, ...args: unknown[]): boolean;
  ack(id: number): (...results: unknown[]) => void;
  _onpacket: (packet: EventPacket) => void;
}

/** An event, or the acknowledgement of one. */
interface EventPacket {
  readonly id?: number;
  readonly data?: unknown;
}

interface Opening {
  /** Resolves once `handleConnection` has finished, with what the client is told where it failed. */
  readonly finished: Promise<Refusal | undefined>;
  held: number;
}

const connectionOf = Symbol('connection');

interface BoundSocket extends Dispatching {
  [connectionOf]: Connection;
}

/**
 * One client of one namespace: takes each of its events to the handlers.
 *
 * It holds nothing for each handler, since most clients use few of them: the table is the namespace's.
 */
export class Connection {
  private table: HandlerTable | undefined;
  /** Only where a subclass of the adapter hands over handlers of its own. */
  private ownHandlers: Map<unknown, Handler[]> | undefined;
  private gateways: readonly GatewayBinding[] = [];
  private opening: Map<HandlerOwner, Opening> | undefined;
  private subscriptions: Set<Subscription> | undefined;
  private refusal: Refusal | undefined;

  private constructor(
    private readonly socket: Socket,
    private readonly layer: GatewayLayer,
  ) {}

  /** Takes over the dispatching of a socket that is about to connect. */
  static take(socket: Socket, layer: GatewayLayer): Connection {
    const bound = socket as unknown as BoundSocket;
    bound[connectionOf] = new Connection(socket, layer);
    // The one way to see each packet after the `socket.use` middleware without a listener for each event.
    bound.dispatch = dispatch;
    bound.emitReserved = emitReserved;
    bound['_onpacket'] = takePacket;
    return bound[connectionOf];
  }

  static of(socket: Socket): Connection | undefined {
    return (socket as unknown as Partial<BoundSocket>)[connectionOf];
  }

  /** The client's events go to this gateway's handlers, once what it does on connecting has `finished`. */
  enter(gateway: GatewayBinding, table: HandlerTable | undefined, finished?: Promise<Refusal | undefined>): void {
    if (this.gateways.length === 0) this.socket.prependListener('disconnect', leave);
    // Not pushed: V8 keeps room for sixteen more.
    this.gateways = [...this.gateways, gateway];
    this.table = table;
    if (!finished) return;
    this.opening ??= new Map();
    const opening = {
      held: 0,
      finished: finished.then((refusal) => {
        this.opening?.delete(gateway);
        if (this.opening?.size === 0) this.opening = undefined;
        return refusal;
      }),
    };
    this.opening.set(gateway, opening);
  }

  /** Resolves once the gateway's `handleConnection` has finished; nothing when it has already. */
  opened(gateway: HandlerOwner): Promise<unknown> | undefined {
    return this.opening?.get(gateway)?.finished;
  }

  addHandlers(handlers: readonly Handler[]): void {
    // Of a gateway that is not known here, Nest itself hears that the client has gone.
    if (this.gateways.length === 0 && !this.ownHandlers) this.socket.on('disconnect', leave);
    this.ownHandlers ??= new Map();
    for (const handler of handlers) {
      this.ownHandlers.set(handler.event, [...(this.ownHandlers.get(handler.event) ?? []), handler]);
    }
  }

  /** Tells the client why it may not stay, and disconnects it once what it waits for has been answered. */
  fail(refusal: Refusal): void {
    if (this.refusal) return;
    this.refusal = refusal;
    this.tell(refusal);
    setImmediate(() => this.socket.disconnect());
  }

  /** The client has gone: ends the Observables that were still emitting to it, and tells the gateways. */
  end(reason: unknown): void {
    this.unsubscribe();
    if (!this.layer.tellsDisconnect) return;
    for (const gateway of this.gateways) this.layer.disconnect(gateway, this.socket, reason);
  }

  private unsubscribe(): void {
    const subscriptions = this.subscriptions;
    this.subscriptions = undefined;
    for (const subscription of subscriptions ?? []) {
      try {
        subscription.unsubscribe();
      } catch (error) {
        this.layer.faults.report('an Observable', 'unsubscribe', error);
      }
    }
  }

  /** Of a packet that every middleware of the socket has passed or one has refused. */
  deliver(packet: unknown[], answer: Answer | undefined, error: Error | undefined): void {
    if (error) {
      this.tellListeners(['error', error], answer);
      answer?.give([toRefusal(error)]);
      return;
    }
    if (!this.socket.connected) {
      answer?.give([]);
      return;
    }
    const isHeard = this.tellListeners(packet, answer);
    const handlers = this.handlersOf(packet[0]);
    if (handlers.length > 0) this.handle(handlers, packet, answer);
    else if (!isHeard) answer?.give([unknownEvent(packet[0])]);
  }

  /** Calls who listens by hand, of whom none keeps the others from hearing. Returns how many there are. Never throws. */
  call(event: string, args: readonly unknown[], onFault: (error: unknown) => void = () => {}): number {
    const listeners = this.socket.rawListeners(event);
    const fail = (error: unknown): void => {
      this.layer.faults.report(`a listener in ${this.socket.nsp.name}`, event, error);
      onFault(error);
    };
    for (const listener of listeners) {
      try {
        const result: unknown = Reflect.apply(listener, this.socket, args);
        if (isPromise(result)) result.then(undefined, fail);
      } catch (error) {
        fail(error);
      }
    }
    return listeners.length;
  }

  /** What was thrown where nobody else looks: before the event was dispatched, or by who waited for an answer. */
  survive(event: string, error: unknown): void {
    this.layer.faults.report(`a listener in ${this.socket.nsp.name}`, event, error);
  }

  holdAcknowledgement(packet: unknown[]): Answer | undefined {
    const last = packet.length - 1;
    const acknowledge = packet[last];
    if (typeof acknowledge !== 'function') return undefined;
    const { unanswered, faults } = this.layer;
    const answer = new Answer(this.socket, String(packet[0]), acknowledge as Acknowledge, unanswered, faults);
    packet[last] = (...results: readonly unknown[]) => answer.give(results);
    return answer;
  }

  /** What a gateway listens to by hand, with `client.on`, is Socket.IO's own: it waits for nothing. */
  private tellListeners([event, ...args]: unknown[], answer: Answer | undefined): boolean {
    // Socket.IO listens to this one itself, with nothing.
    const own = event === 'error' ? 1 : 0;
    return this.call(String(event), args, (error) => answer?.give([toRefusal(error)])) > own;
  }

  private handlersOf(event: unknown): readonly Handler[] {
    const own = this.ownHandlers?.get(event);
    if (own) return own;
    const shared = this.table?.get(event) ?? none;
    // A subclass of the adapter may keep a client from some of the namespace's gateways.
    return shared.every((handler) => this.serves(handler)) ? shared : shared.filter((handler) => this.serves(handler));
  }

  private serves({ gateway }: Handler): boolean {
    return (this.gateways as readonly HandlerOwner[]).includes(gateway);
  }

  private handle(handlers: readonly Handler[], packet: unknown[], answer: Answer | undefined): void {
    const reply = new Reply(answer, handlers.length);
    const payload: unknown = packet.length > 2 ? packet.slice(1) : packet[1];
    const { data, ack } = this.layer.mapPayload(payload);
    for (const handler of handlers) {
      const args: HandlerArguments = [this.socket, data, ack, handler.event];
      const opening = this.opening?.get(handler.gateway);
      if (opening) this.hold(opening, handler, args, reply);
      else if (this.refusal) this.turnAway(this.refusal, reply);
      else this.run(handler, args, reply);
    }
  }

  private hold(opening: Opening, handler: Handler, args: HandlerArguments, reply: Reply): void {
    if (opening.held >= this.layer.options.heldEventsPerClient) {
      this.refuse(tooManyEvents, reply);
      return reply.ended();
    }
    opening.held++;
    void opening.finished.then((refusal) => {
      if (refusal) reply.refuse(refusal);
      if (!refusal && this.socket.connected) this.run(handler, args, reply);
      else reply.ended();
    });
  }

  private turnAway(refusal: Refusal, reply: Reply): void {
    reply.refuse(refusal);
    reply.ended();
  }

  private run(handler: Handler, args: HandlerArguments, reply: Reply): void {
    try {
      const result = handler.call(args);
      if (isPromise(result)) void this.await(result, handler, args, reply);
      else this.settle(result, handler, args, reply);
    } catch (error) {
      void this.fall(handler, args, reply, error);
    }
  }

  private async await(
    promise: Promise<unknown>,
    handler: Handler,
    args: HandlerArguments,
    reply: Reply,
  ): Promise<void> {
    try {
      this.settle(await promise, handler, args, reply);
    } catch (error) {
      await this.fall(handler, args, reply, error);
    }
  }

  private settle(result: unknown, handler: Handler, args: HandlerArguments, reply: Reply): void {
    if (isObservable(result)) {
      this.follow(result, handler, args, reply);
      return;
    }
    this.respond(result, handler, reply);
    if (!handler.isAckHandledManually) reply.ended();
  }

  /** Sends what the Observable emits, until it ends or the client is gone. */
  private follow(observable: Observable<unknown>, handler: Handler, args: HandlerArguments, reply: Reply): void {
    if (!this.socket.connected) return reply.ended();
    const subscription = new Following(
      {
        next: (value) => this.respond(value, handler, reply),
        error: (error: unknown) => void this.fall(handler, args, reply, error),
        complete: () => {
          if (!handler.isAckHandledManually) reply.ended();
        },
      },
      (error) => this.layer.faults.report(handler.gateway.name, handler.event, error),
    );
    observable.subscribe(subscription);
    if (subscription.closed) return;
    (this.subscriptions ??= new Set()).add(subscription);
    subscription.add(() => this.subscriptions?.delete(subscription));
  }

  /** Never throws, whatever the value is: an Observable's subscriber has nobody to throw at. */
  private respond(value: unknown, handler: Handler, reply: Reply): void {
    try {
      const response = isWsResponse(value) ? value : undefined;
      if (response) this.socket.emit(response.event, response.data);
      if (!handler.isAckHandledManually) reply.result(response ? response.data : value, handler.gateway.name);
    } catch (error) {
      this.layer.faults.report(handler.gateway.name, handler.event, error);
      this.refuse(internalError, reply);
    }
  }

  /** A handler has failed: its filter may do what it likes, and the acknowledgement is answered all the same. */
  private async fall(handler: Handler, args: HandlerArguments, reply: Reply, exception: unknown): Promise<void> {
    const isFiltered = await this.layer.filter(handler, exception, args);
    const refusal = toRefusal(exception);
    if (isFiltered) reply.refuse(refusal);
    else this.refuse(refusal, reply);
    reply.ended();
  }

  private refuse(refusal: Refusal, reply: Reply): void {
    // Of a stream the first value has been the answer.
    if (!reply.isOpen) this.tell(refusal);
    reply.refuse(refusal);
  }

  private tell(refusal: Refusal): void {
    try {
      this.socket.emit('exception', refusal);
    } catch (error) {
      // Of a listener that somebody set with `onAnyOutgoing`.
      this.layer.faults.report(`a listener in ${this.socket.nsp.name}`, 'exception', error);
    }
  }
}

const none: readonly Handler[] = [];

const tooManyEvents: Refusal = {
  error: { code: 'NOT_CONNECTED', message: 'Too many events came before the connecting had finished.' },
};

function unknownEvent(event: unknown): Refusal {
  return {
    error: { code: 'UNKNOWN_EVENT', message: `Nothing here serves the event "${String(event).slice(0, 100)}".` },
  };
}

/** In the place of Socket.IO's own: the middleware first, then who listens. */
function dispatch(this: BoundSocket, packet: unknown[]): void {
  const connection = this[connectionOf];
  const answer = connection.holdAcknowledgement(packet);
  const done = (error?: Error): void => process.nextTick(deliver, connection, packet, answer, error);
  if (this.fns.length === 0) return done();
  runMiddleware(this.fns, packet, done, (error) => connection.survive('use', error));
}

/** In the place of Socket.IO's own, which one listener that throws would end. */
function emitReserved(this: BoundSocket, event: string, ...args: unknown[]): boolean {
  return this[connectionOf].call(event, args) > 0;
}

const { _onpacket: onPacket } = Socket.prototype as unknown as Dispatching;

/** As Socket.IO does, but that nothing is thrown at the connection, which has other namespaces as well. */
function takePacket(this: BoundSocket, packet: EventPacket): void {
  try {
    Reflect.apply(onPacket, this, [packet]);
  } catch (error) {
    const isEvent = Array.isArray(packet.data) && typeof packet.data[0] === 'string';
    this[connectionOf].survive(isEvent ? String((packet.data as unknown[])[0]) : 'acknowledgement', error);
    const acknowledge = isEvent ? (packet.data as unknown[]).at(-1) : undefined;
    if (typeof acknowledge === 'function') Reflect.apply(acknowledge, undefined, [internalError]);
  }
}

function leave(this: BoundSocket, reason: unknown): void {
  this[connectionOf].end(reason);
}

function deliver(
  connection: Connection,
  packet: unknown[],
  answer: Answer | undefined,
  error: Error | undefined,
): void {
  connection.deliver(packet, answer, error);
}
