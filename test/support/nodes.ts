import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo } from 'node:net';
import type { INestApplication, Type } from '@nestjs/common';
import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { Test } from '@nestjs/testing';
import { createAdapter } from '@socket.io/redis-adapter';
import { Redis } from 'ioredis';
import { Server, type Socket as ServerSocket } from 'socket.io';
import type { Socket as ClientSocket } from 'socket.io-client';
import { inject, onTestFinished } from 'vitest';
import { RedisIoAdapter, type RedisIoAdapterOptions } from '../../src/redis-io.adapter.js';
import type { Carrier, MessageListener } from '../../src/carrier.js';
import { EmbeddedCarrier } from '../../src/carrier/embedded.carrier.js';
import { EmbeddedHub } from '../../src/carrier/embedded-hub.js';
import { localLink } from '../../src/carrier/local-link.js';
import { RedisCarrier } from '../../src/carrier/redis.carrier.js';
import { ShardedCarrier } from '../../src/carrier/sharded.carrier.js';
import type { CarrierName } from './carriers.js';
import { openUntyped } from './clients.js';
import { type Inbox, inboxOf } from './inbox.js';

/** Opens carriers that reach each other, as those of several processes do. */
export interface Fleet {
  /** A prefix of its own, so that tests on one Redis stay apart. */
  readonly key: string;
  /** The carrier of one more process. It ends with the test. */
  readonly openCarrier: () => Promise<Carrier>;
}

export function startFleet(name: CarrierName, redisUrl = inject('redisUrl')): Fleet {
  const hub = new EmbeddedHub();
  return {
    // In braces it puts everything into one slot, so that messages of different rooms keep their order as well.
    key: name === 'sharded' ? `{${randomUUID()}}` : randomUUID(),
    openCarrier: () => (name === 'embedded' ? openEmbedded(hub) : openRedis(name, redisUrl)),
  };
}

/** A server of the fleet, in this process but with a carrier of its own. */
export interface Node {
  readonly url: string;
  readonly app: INestApplication;
  readonly server: Server;
  readonly adapter: RedisIoAdapter;
  readonly carrier: Carrier;
  /** What the carrier has brought to this node, but for how others introduce themselves. */
  readonly inbox: Inbox;
  /** Resolves with a client that is connected. It ends with the test. */
  connect(namespace?: string): Promise<ClientSocket>;
}

export interface NodeOptions extends Partial<RedisIoAdapterOptions> {
  readonly gateways?: Type[];
}

/** So many nodes over one carrier, each ready to serve. */
export async function startNodes(name: CarrierName, count: number, options: NodeOptions = {}): Promise<Node[]> {
  const fleet = startFleet(name);
  return Promise.all(Array.from({ length: count }, () => startNode(fleet, options)));
}

export async function startNode(fleet: Fleet, options: NodeOptions = {}): Promise<Node> {
  const { gateways = [NodeGateway], ...adapterOptions } = options;
  const carrier = options.carrier ?? (await fleet.openCarrier());
  const module = await Test.createTestingModule({ providers: gateways }).compile();
  const app = module.createNestApplication();
  const adapter = new RedisIoAdapter(app, {
    key: fleet.key,
    requestsTimeoutMs: 10_000,
    ...adapterOptions,
    carrier,
  });
  app.useWebSocketAdapter(adapter);
  onTestFinished(() => app.close());
  await app.init();
  if (carrier.health.state === 'connected') await adapter.subscribed();
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    app,
    server: app.get<unknown, { server: Server }>(gateways[0]!).server,
    adapter,
    carrier,
    inbox: inboxOf({ onMessage: (listener) => carrier.onMessage(unlessIntroduction(fleet, listener)) }),
    connect: (namespace = '') => connected(url, namespace),
  };
}

/** What the tests have their clients do. Its server is there for the rest. */
@WebSocketGateway()
export class NodeGateway {
  @WebSocketServer()
  readonly server!: Server;

  @SubscribeMessage('join')
  async join(@ConnectedSocket() client: ServerSocket, @MessageBody() room: string | number): Promise<true> {
    await client.join(room as string);
    return true;
  }

  @SubscribeMessage('join without waiting')
  joinWithoutWaiting(@ConnectedSocket() client: ServerSocket, @MessageBody() room: string): true {
    void client.join(room);
    return true;
  }

  @SubscribeMessage('change rooms')
  changeRooms(@ConnectedSocket() client: ServerSocket, @MessageBody() changes: RoomChange[]): true {
    for (const [change, room] of changes) void client[change](room);
    return true;
  }

  @SubscribeMessage('leave')
  async leave(@ConnectedSocket() client: ServerSocket, @MessageBody() room: string | number): Promise<true> {
    await client.leave(room as string);
    return true;
  }
}

export type RoomChange = [change: 'join' | 'leave', room: string];

/** A Socket.IO server with the official Redis adapter, as another fleet runs it. */
export interface PlainServer {
  readonly url: string;
  readonly server: Server;
  connect(namespace?: string): Promise<ClientSocket>;
}

export async function startPlainServer(key: string): Promise<PlainServer> {
  const [publisher, subscriber] = [openRedisClient(), openRedisClient()];
  const server = new Server({ transports: ['websocket'], adapter: createAdapter(publisher, subscriber, { key }) });
  onTestFinished(() => server.close());
  const { httpServer } = server.listen(0);
  await once(httpServer, 'listening').catch(() => {});
  // Redis answers in order, so the adapter's own subscriptions are live by then.
  await subscriber.ping();
  const url = `http://127.0.0.1:${(httpServer.address() as AddressInfo).port}`;
  server.on('connection', (socket) => {
    socket.on('join', async (room: string | number, acknowledge: (result: true) => void) => {
      await socket.join(room as string);
      acknowledge(true);
    });
  });
  return { url, server, connect: (namespace = '') => connected(url, namespace) };
}

/** A connection to the Redis that all tests share. It ends with the test. */
export function openRedisClient(url = inject('redisUrl')): Redis {
  const client = new Redis(url);
  onTestFinished(() => client.disconnect());
  return client;
}

/** Everything that a client hears before the event `fence`, each as `[event, ...arguments]`. */
export function untilFence(client: ClientSocket, fences = 1): Promise<unknown[][]> {
  const heard: unknown[][] = [];
  let missing = fences;
  return new Promise((resolve) => {
    client.onAny((event: string, ...args: unknown[]) => {
      if (event !== 'fence') heard.push([event, ...args.filter((arg) => typeof arg !== 'function')]);
      else if (--missing === 0) resolve(heard);
    });
  });
}

function unlessIntroduction({ key }: Fleet, listener: MessageListener): MessageListener {
  return (channel, message) => {
    if (!channel.startsWith(`${key}-processes`)) listener(channel, message);
  };
}

async function connected(url: string, namespace: string): Promise<ClientSocket> {
  const client = openUntyped(`${url}${namespace}`);
  await new Promise<void>((resolve, reject) => {
    client.once('connect', resolve);
    client.once('connect_error', reject);
  });
  return client;
}

async function openEmbedded(hub: EmbeddedHub): Promise<Carrier> {
  const link = localLink();
  const detach = hub.attach(link.hub);
  const carrier = new EmbeddedCarrier(link.process);
  onTestFinished(async () => {
    await carrier.close();
    detach();
  });
  return carrier;
}

async function openRedis(name: CarrierName, url: string): Promise<Carrier> {
  const carrier =
    name === 'sharded' ? new ShardedCarrier({ url: inject('redisClusterUrl') }) : new RedisCarrier({ url });
  onTestFinished(() => carrier.close());
  await carrier.connect(10_000);
  return carrier;
}
