import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import type { Socket as TcpSocket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { Logger } from '@nestjs/common';
import type { Server } from 'socket.io';
import type { IpcEnd } from '../ipc.js';
import {
  applyFacts,
  carriesFacts,
  type ClientFacts,
  type ConnectionFacts,
  connectionFactsOf,
  hearFacts,
  openFacts,
  partHeaders,
  removeFacts,
  restore,
  sealFacts,
  tellFacts,
} from './client-facts.js';
import { answerPoll, type Engine, engineOf, hasSession, sessionIdOf } from './engine.js';
import { Forwarder, type Forwarding } from './forwarder.js';
import { HandoverDesk } from './handover-desk.js';
import type { HostDirectory } from './host-directory.js';
import { PrivateDoor } from './private-door.js';
import { type Owner, SessionIds } from './session-id.js';
import { type Host, type Passed, type Route, routeOf } from './session-route.js';
import { socketPath } from './socket-folder.js';

export interface SessionDeskOptions {
  /** Who this worker is in the ids of its sessions. */
  readonly own: Owner;
  /** What its host seals ids and facts with. */
  readonly key: Buffer;
  /** Where the host's workers have their private sockets. */
  readonly folder: string;
  /** The way to the primary. */
  readonly primary: IpcEnd;
  /** The other hosts; undefined where there are none. */
  readonly hosts: HostDirectory | undefined;
}

/** What is known of a request beyond itself. */
interface Origin {
  readonly passed: Passed;
  readonly client?: ConnectionFacts;
  readonly nudge?: boolean;
  /** Which of the HTTP servers it came to, there. */
  readonly server?: number;
}

const direct: Origin = { passed: 'nobody' };

/** Of another host that meant a third one, or of a client that made it up. To send it on could go round for ever. */
const misled: Origin = { passed: 'another host' };

/**
 * Lets any worker take any request: what belongs to another worker's session is brought there.
 *
 * A session id says who owns it. Of a request without one, which begins a session, nothing more is asked.
 */
export class SessionDesk {
  private readonly logger = new Logger(SessionDesk.name);
  private readonly ids: SessionIds;
  private readonly forwarder = new Forwarder();
  private readonly handover: HandoverDesk;
  private readonly servers: HttpServer[] = [];
  private readonly origins = new WeakMap<IncomingMessage, Origin>();
  private readonly hostsWithoutWay = new Set<string>();
  private saidMisled = false;
  private door: PrivateDoor | undefined;

  constructor(private readonly options: SessionDeskOptions) {
    this.ids = new SessionIds(options.own, options.key);
    this.handover = new HandoverDesk(options.primary, (server, request, connection, head) => {
      this.origins.set(request, { passed: 'a sibling' });
      if (!this.servers[server]?.emit('upgrade', request, connection, head)) connection.destroy();
    });
  }

  /** Makes a Socket.IO server one of many. All workers make theirs in the same order. */
  attach(io: Server): void {
    const engine = engineOf(io);
    const server = this.numberOf(io.httpServer as HttpServer);
    const answer = engine.handleRequest.bind(engine);
    const upgrade = engine.handleUpgrade.bind(engine);

    engine.generateId = () => this.ids.make();
    engine.handleRequest = (request, response) => {
      const origin = this.originOf(request);
      const meant = this.meantServer(origin, server);
      if (meant) return void meant.emit('request', request, response);
      // The connection may bring somebody else's request next.
      if (origin.passed === 'another host') response.once('close', () => removeFacts(request.socket));
      const route = this.routeOf(engine, request, origin.passed);
      if (route.to === 'here') return origin.nudge ? nudge(engine, request, response) : answer(request, response);
      if (route.to === 'nowhere') this.explain(route.host);
      const onGone = (): void => answer(request, response);
      const forwarding = this.forwardingTo(route, request, origin, server, onGone);
      if (forwarding && hasTooManyHeaders(request)) response.writeHead(431).end();
      else if (forwarding) this.forwarder.forward(request, response, forwarding);
      else onGone();
    };
    engine.handleUpgrade = (request, socket, head) => {
      // Until Engine.IO listens itself, which may take what a middleware takes.
      socket.on('error', () => {});
      const origin = this.originOf(request);
      const meant = this.meantServer(origin, server);
      if (meant) return void meant.emit('upgrade', request, socket, head);
      const route = this.routeOf(engine, request, origin.passed);
      if (route.to === 'here') return upgrade(request, socket, head);
      if (route.to === 'nowhere') this.explain(route.host);
      // What was encrypted for this process no other could read.
      if (route.to === 'sibling' && !(socket instanceof TLSSocket)) {
        const to = { fork: route.owner.fork, server, client: origin.client };
        return this.handover.handOver(request, socket as TcpSocket, head, to);
      }
      const onGone = (): void => upgrade(request, socket, head);
      const forwarding = this.forwardingTo(route, request, origin, server, onGone);
      if (forwarding && hasTooManyHeaders(request)) socket.destroy();
      else if (forwarding) this.forwarder.forwardUpgrade(request, socket as TcpSocket, head, forwarding);
      else onGone();
    };
  }

  /** Opens the private socket, through which the other workers bring what is this one's. */
  async open(): Promise<void> {
    const { folder, own, hosts } = this.options;
    this.door = await PrivateDoor.open(socketPath(folder, own.host, own.fork), {
      onRequest: (request, response) => {
        const facts = this.receive(request, 'a sibling');
        if (!facts) return void response.writeHead(400).end();
        if (!this.servers[facts.server]?.emit('request', request, response)) response.writeHead(400).end();
      },
      onUpgrade: (request, socket, head) => {
        const facts = this.receive(request, 'a sibling');
        if (!facts) return void socket.destroy();
        if (!this.servers[facts.server]?.emit('upgrade', request, socket, head)) socket.destroy();
      },
    });
    await hosts?.open();
  }

  /** Lets go the polls that wait here for an answer from elsewhere. */
  release(): void {
    this.forwarder.release();
  }

  /** To be called when no session of this worker is left. */
  close(): void {
    this.door?.close();
    this.forwarder.close();
    this.options.hosts?.close();
  }

  /** A host is reached at one port, whichever of its servers a request is for. */
  private meantServer({ passed, server: meant }: Origin, here: number): HttpServer | undefined {
    return passed === 'another host' && meant !== undefined && meant !== here ? this.servers[meant] : undefined;
  }

  private numberOf(server: HttpServer): number {
    if (!this.servers.includes(server)) this.servers.push(server);
    return this.servers.indexOf(server);
  }

  private originOf(request: IncomingMessage): Origin {
    const known = this.origins.get(request);
    if (known) return known;
    if (this.receive(request, 'another host')) return this.origins.get(request)!;
    if (!carriesFacts(request)) return direct;
    this.explainMisled();
    return misled;
  }

  /** Reads what another worker says of a request, where there is anything said. */
  private receive(request: IncomingMessage, passed: Passed): ClientFacts | undefined {
    const facts = passed === 'a sibling' ? hearFacts(request) : openFacts(request, this.options.key);
    if (!facts) return undefined;
    restore(request, facts);
    applyFacts(facts, request.socket);
    this.origins.set(request, { passed, client: facts, nudge: facts.nudge, server: facts.server });
    return facts;
  }

  private routeOf(engine: Engine, request: IncomingMessage, passed: Passed): Route {
    const id = sessionIdOf(engine, request);
    if (id === undefined || hasSession(engine, id)) return { to: 'here' };
    const { own, key, hosts } = this.options;
    return routeOf(id, own, key, passed, (tag) => hosts?.find(tag));
  }

  private forwardingTo(
    route: Route,
    request: IncomingMessage,
    { nudge: nudged = false }: Origin,
    server: number,
    answerUnknown: () => void,
  ): Forwarding | undefined {
    if (route.to !== 'sibling' && route.to !== 'host') return undefined;
    const { folder, hosts } = this.options;
    const { ofConnection } = partHeaders(request.rawHeaders);
    const { httpVersion, socket } = request;
    const client = { ...connectionFactsOf(socket), httpVersion, ofConnection, server };
    if (route.to === 'sibling') {
      const { host, fork } = route.owner;
      return {
        target: { socketPath: socketPath(folder, host, fork) },
        facts: (asNudge) => tellFacts({ ...client, nudge: nudged || asNudge }),
        onGone: answerUnknown,
      };
    }
    return {
      target: { url: route.host.url! },
      facts: (asNudge) => sealFacts({ ...client, nudge: nudged || asNudge }, route.host.key),
      onGone: (error, reached) => {
        // A host is more than the worker that broke the connection off.
        if (!reached) {
          this.logger.warn(`host ${route.host.name} cannot be reached at ${route.host.url} (${error.message})`);
          hosts?.forget(route.host);
        }
        answerUnknown();
      },
    };
  }

  private explainMisled(): void {
    if (this.saidMisled) return;
    this.saidMisled = true;
    this.logger.warn(
      'a request came here that was meant for another host: check that the ADVERTISE_URL of every host leads to itself, ' +
        'not to a balancer or another host',
    );
  }

  private explain({ tag, name }: Host): void {
    if (this.hostsWithoutWay.has(tag) || this.hostsWithoutWay.size >= 1_000) return;
    this.hostsWithoutWay.add(tag);
    this.logger.warn(
      `a client of host ${name} came here and was refused: set ADVERTISE_URL on every host, ` +
        'or let the balancer send each client to one host',
    );
  }
}

/** Node's own `headers` has no more than that, and so what is decided here could be something else there. */
function hasTooManyHeaders({ rawHeaders }: IncomingMessage): boolean {
  return rawHeaders.length >= 2 * 1_000;
}

function nudge(engine: Engine, request: IncomingMessage, response: ServerResponse): void {
  answerPoll(engine, sessionIdOf(engine, request) ?? '');
  response.writeHead(204).end();
}
