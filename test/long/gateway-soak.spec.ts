import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  type OnGatewayConnection,
  type OnGatewayDisconnect,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import { finalize, NEVER } from 'rxjs';
import type { Server, Socket } from 'socket.io';
import type { Socket as ClientSocket } from 'socket.io-client';
import { describe, expect, it } from 'vitest';
import { serveGateways } from '../support/gateways.js';

const connects = 50_000;
const warmUp = 2_000;
const atATime = 50;
/** Less than a hundredth of what one client costs, for each that has gone. */
const mostBytesLeftEach = 100;

@WebSocketGateway()
class SoakGateway implements OnGatewayConnection, OnGatewayDisconnect {
  @WebSocketServer()
  readonly server!: Server;
  connected = 0;
  streams = 0;

  async handleConnection(): Promise<void> {
    await turn();
    this.connected++;
  }

  async handleDisconnect(): Promise<void> {
    await turn();
    this.connected--;
  }

  @SubscribeMessage('hello')
  hello(client: Socket): string {
    return client.id;
  }

  @SubscribeMessage('stream')
  stream() {
    this.streams++;
    return NEVER.pipe(finalize(() => this.streams--));
  }
}

describe(`${connects} clients that come and go`, () => {
  it('leave heap and listeners as they were', async () => {
    const { app, connect, adapter } = await serveGateways([SoakGateway]);
    const gateway = app.get(SoakGateway);
    const manager = await connect();
    const comeAndGo = () => visit(manager, gateway);

    for (let visits = 0; visits < warmUp; visits += atATime)
      await Promise.all(Array.from({ length: atATime }, comeAndGo));
    const before = await picture(gateway);
    for (let visits = 0; visits < connects; visits += atATime)
      await Promise.all(Array.from({ length: atATime }, comeAndGo));
    const after = await picture(gateway);

    process.stdout.write(`heap: ${before.heap} before, ${after.heap} after ${connects} clients\n`);
    expect({ ...after, heap: 0 }).toEqual({ ...before, heap: 0 });
    expect((after.heap - before.heap) / connects).toBeLessThan(mostBytesLeftEach);
    expect(gateway).toMatchObject({ connected: 1, streams: 0 });
    expect(adapter.faults).toEqual([]);
  });
});

/** Connects to the namespace over a connection of its own, asks, begins a stream, and leaves in one of two ways. */
async function visit({ io: { opts } }: ClientSocket, { server }: SoakGateway): Promise<void> {
  const { Manager } = await import('socket.io-client');
  const { port } = server.httpServer.address() as { port: number };
  const manager = new Manager(`http://127.0.0.1:${port}`, { ...opts, reconnection: false, forceNew: true });
  const client = manager.socket('/');
  const id = (await client.emitWithAck('hello')) as string;
  client.emit('stream');
  const gone = once(server.sockets.sockets.get(id)!, 'disconnect');
  if (Math.random() < 0.5) client.disconnect();
  else manager.engine.close();
  await gone;
  client.disconnect();
}

async function picture(gateway: SoakGateway) {
  const { server } = gateway;
  while (gateway.connected > 1) await turn();
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let pass = 0; pass < 5; pass++) {
    collect();
    await turn();
  }
  return {
    heap: process.memoryUsage().heapUsed,
    sockets: server.sockets.sockets.size,
    clients: server.engine.clientsCount,
    rooms: server.sockets.adapter.rooms.size,
    ids: server.sockets.adapter.sids.size,
    listeners: [server.sockets, server.engine, server.httpServer, server.sockets.adapter, process].map((emitter) =>
      emitter.eventNames().map((event) => [String(event), (emitter as NodeJS.EventEmitter).listenerCount(event)]),
    ),
  };
}
