import { type ArgumentsHost, Catch, type ExceptionFilter, UseFilters } from '@nestjs/common';
import {
  type MessageMappingProperties,
  type OnGatewayDisconnect,
  SubscribeMessage,
  WebSocketGateway,
  WsException,
} from '@nestjs/websockets';
import { map, type Observable, of } from 'rxjs';
import type { Namespace, Server, Socket } from 'socket.io';
import { describe, expect, it } from 'vitest';
import { RedisIoAdapter } from '../../../src/redis-io.adapter.js';
import { heardAfter, serveGateways } from '../../support/gateways.js';

@Catch()
class TellingFilter implements ExceptionFilter {
  catch(_: unknown, host: ArgumentsHost): void {
    host.switchToWs().getClient<Socket>().emit('filtered');
  }
}

@WebSocketGateway()
class PlainGateway implements OnGatewayDisconnect {
  readonly left: unknown[] = [];

  handleDisconnect(_: Socket, reason: unknown): void {
    this.left.push(reason);
  }

  @SubscribeMessage('fence')
  fence(): true {
    return true;
  }

  @SubscribeMessage('number')
  number(_: Socket, data: number): number {
    return data;
  }

  @SubscribeMessage('many')
  many(): Observable<unknown> {
    return of({ event: 'one', data: 1 }, { event: 'one', data: 2 });
  }

  @UseFilters(TellingFilter)
  @SubscribeMessage('refused')
  refused(): never {
    throw new WsException('no');
  }
}

class DoublingAdapter extends RedisIoAdapter {
  override bindMessageHandlers(
    socket: Socket,
    handlers: MessageMappingProperties[],
    transform: (data: unknown) => Observable<unknown>,
  ): void {
    const counted = handlers.map((handler) => ({
      ...handler,
      callback: (data: unknown, acknowledge: unknown) =>
        handler.callback(typeof data === 'number' ? data + 1 : data, acknowledge),
    }));
    super.bindMessageHandlers(socket, counted, (data) =>
      transform(data).pipe(map((value) => (typeof value === 'number' ? value * 2 : value))),
    );
  }
}

class CarefulAdapter extends RedisIoAdapter {
  override bindClientConnect(server: Server | Namespace, callback: (client: Socket) => void): void {
    super.bindClientConnect(server, (client: Socket) => {
      if (client.handshake.query['known'] === 'yes') callback(client);
    });
  }
}

class PrefixingAdapter extends RedisIoAdapter {
  override mapPayload(payload: unknown) {
    const { data, ack } = super.mapPayload(payload) as { data: unknown; ack?: () => void };
    return { data: `mapped ${String(data)}`, ...(ack && { ack }) };
  }

  override bindClientDisconnect(client: Socket, callback: (reason: unknown) => void): void {
    super.bindClientDisconnect(client, (reason: unknown) => callback(`mapped ${String(reason)}`));
  }
}

describe('a subclass of the adapter', () => {
  it('may change what handlers get, and transform their results', async () => {
    const { connect } = await serveGateways([PlainGateway], { adapterClass: DoublingAdapter });
    const client = await connect();

    expect(await client.emitWithAck('number', 20)).toBe(42);
    expect((await heardAfter(client, 'many')).events).toEqual([
      ['one', 1],
      ['one', 2],
    ]);
  });

  it('that does so keeps filters, and the answer of what they catch', async () => {
    const { connect } = await serveGateways([PlainGateway], { adapterClass: DoublingAdapter });

    expect(await heardAfter(await connect(), 'refused')).toEqual({
      acknowledged: [[{ error: { code: 'REFUSED', message: 'no' } }]],
      events: [['filtered']],
    });
  });

  it('may keep a client from the gateways', async () => {
    const { connect } = await serveGateways([PlainGateway], { adapterClass: CarefulAdapter });
    const [known, unknown] = [await connect('', { query: { known: 'yes' } }), await connect()];

    expect(await known.emitWithAck('number', 7)).toBe(7);
    expect(await unknown.emitWithAck('number', 7)).toMatchObject({ error: { code: 'UNKNOWN_EVENT' } });
  });

  it('may map payloads, and what is said of a client that goes', async () => {
    const { app, connect } = await serveGateways([PlainGateway], { adapterClass: PrefixingAdapter });
    const client = await connect();

    expect(await client.emitWithAck('number', 7)).toBe('mapped 7');
    client.disconnect();
    const { left } = app.get(PlainGateway);
    while (left.length === 0) await new Promise(setImmediate);

    expect(left).toEqual(['mapped client namespace disconnect']);
  });
});
