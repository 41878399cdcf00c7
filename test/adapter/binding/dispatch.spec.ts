import type { Type } from '@nestjs/common';
import { SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { Socket } from 'socket.io';
import type { Server } from 'socket.io';
import { describe, expect, it } from 'vitest';
import { type AdapterName, serveGateways } from '../../support/gateways.js';

describe('a client of a gateway', () => {
  it.each([
    ['stock', true],
    ['ours', false],
  ] as const)('with the %s adapter holds listeners for each handler: %s', async (adapter, grows) => {
    const [few, many] = [await listenersWith(1, adapter), await listenersWith(60, adapter)];

    expect(many > few).toBe(grows);
  });

  it('holds no more once it has used every handler', async () => {
    const { client, socket } = await connectTo(60, 'ours');
    const before = countListeners(socket);

    for (let event = 0; event < 60; event++) expect(await client.emitWithAck(`event-${event}`)).toBe(event);

    expect(countListeners(socket)).toBe(before);
  });
});

describe('Socket.IO', () => {
  it.each(['dispatch', 'run'])('still has the method %s that the dispatching stands on', (method) => {
    expect((Socket.prototype as unknown as Record<string, unknown>)[method]).toBeInstanceOf(Function);
  });
});

async function listenersWith(handlers: number, adapter: AdapterName): Promise<number> {
  return countListeners((await connectTo(handlers, adapter)).socket);
}

function countListeners(socket: Socket): number {
  return socket.eventNames().reduce((sum, event) => sum + socket.listenerCount(event as never), 0);
}

async function connectTo(handlers: number, adapter: AdapterName) {
  const gateway = gatewayWith(handlers);
  const { app, connect } = await serveGateways([gateway], { adapter });
  const client = await connect();
  const { server } = app.get<unknown, { server: Server }>(gateway);
  return { client, socket: server.sockets.sockets.get(client.id!)! };
}

function gatewayWith(handlers: number): Type {
  @WebSocketGateway()
  class ManyGateway {
    @WebSocketServer()
    readonly server!: Server;
  }
  for (let event = 0; event < handlers; event++) {
    const descriptor = { value: () => event, configurable: true, writable: true };
    Object.defineProperty(ManyGateway.prototype, `event-${event}`, descriptor);
    SubscribeMessage(`event-${event}`)(ManyGateway.prototype, `event-${event}`, descriptor);
  }
  return ManyGateway;
}
