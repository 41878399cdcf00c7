import { type OnGatewayConnection, SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import type { GatewayMetadata } from '@nestjs/websockets';
import type { Namespace, Server, Socket } from 'socket.io';
import { describe, expect, it } from 'vitest';
import { type DecoratedGateway, mergeOptions, onServer } from '../../../src/adapter/binding/gateway-options.js';
import { GatewayOptionsConflictError } from '../../../src/errors.js';
import { serveGateways } from '../../support/gateways.js';

const gateway = (name: string, options: GatewayMetadata, port = 0): DecoratedGateway => ({ name, port, options });

const unions: readonly (readonly [one: GatewayMetadata, other: GatewayMetadata, both: object])[] = [
  [{}, { pingInterval: 1_111 }, { pingInterval: 1_111 }],
  [{ pingInterval: 1_111 }, {}, { pingInterval: 1_111 }],
  [{ pingInterval: 1_111 }, { pingTimeout: 2_222 }, { pingInterval: 1_111, pingTimeout: 2_222 }],
  [{ cors: { origin: ['a'] } }, { cors: { origin: ['a'] } }, { cors: { origin: ['a'] } }],
  [{ transports: ['websocket'] }, { transports: ['polling', 'websocket'] }, { transports: ['websocket', 'polling'] }],
  [{ namespace: '/one' }, { namespace: '/other' }, {}],
  [{ path: '/io' }, { path: '/io/' }, { path: '/io' }],
];

const conflicts: readonly (readonly [one: GatewayMetadata, other: GatewayMetadata, option: string])[] = [
  [{ pingInterval: 1_111 }, { pingInterval: 2_222 }, 'pingInterval'],
  [{ cors: { origin: ['a'] } }, { cors: { origin: ['b'] } }, 'cors'],
  [{ cors: {} }, { cors: { origin: 'a' } }, 'cors'],
];

describe('the options of gateways on one server', () => {
  it.each(unions)('%j and %j become %j', (one, other, both) => {
    expect(mergeOptions([gateway('One', one), gateway('Other', other)])).toEqual(both);
  });

  it.each(conflicts)('%j and %j contradict each other in "%s", and both classes are named', (one, other, option) => {
    const merge = () => mergeOptions([gateway('One', one), gateway('Between', {}), gateway('Other', other)]);

    expect(merge).toThrow(GatewayOptionsConflictError);
    expect(merge).toThrow(new RegExp(`^One and Other .+"${option}"`));
  });

  it('are those of the same port and path', () => {
    const gateways = [
      gateway('A', {}),
      gateway('B', { path: '/socket.io/' }),
      gateway('C', { path: '/other' }),
      gateway('D', {}, 81),
    ];

    expect(onServer(gateways, 0, undefined).map(({ name }) => name)).toEqual(['A', 'B']);
  });
});

@WebSocketGateway({ pingInterval: 1_111 })
class PingGateway {
  @WebSocketServer()
  readonly server!: Server;
}

@WebSocketGateway({ namespace: '/large', maxHttpBufferSize: 2_222 })
class LargeGateway {}

@WebSocketGateway({ namespace: '/hasty', pingInterval: 3_333 })
class HastyGateway {}

@WebSocketGateway({ path: '/socket.io', namespace: '/same' })
class SamePathGateway {
  @SubscribeMessage('name')
  name(): string {
    return 'on the same server';
  }
}

describe('a second gateway’s options', () => {
  it.each([
    ['stock', 1],
    ['ours', 2],
  ] as const)('with the %s adapter leave %i of both in force', async (adapter, count) => {
    const { app } = await serveGateways([PingGateway, LargeGateway], { adapter });
    const { pingInterval, maxHttpBufferSize } = app.get(PingGateway).server.engine.opts;

    expect([pingInterval === 1_111, maxHttpBufferSize === 2_222].filter(Boolean)).toHaveLength(count);
  });

  it('that contradict the first’s end the start', async () => {
    await expect(serveGateways([PingGateway, HastyGateway])).rejects.toThrow(/PingGateway and HastyGateway/);
  });

  it('that only name the default path mean the same server', async () => {
    const { app, connect } = await serveGateways([PingGateway, SamePathGateway]);

    expect(await (await connect('/same')).emitWithAck('name')).toBe('on the same server');
    expect(app.get(PingGateway).server.engine.clientsCount).toBe(1);
  });

  it.each([
    ['stock', 1],
    ['ours', 2],
  ] as const)(
    'may name the same pattern of namespaces: with the %s adapter %i hear of a client',
    async (adapter, count) => {
      const heard: string[] = [];
      @WebSocketGateway({ namespace: /^\/tenant-\d$/ })
      class FirstGateway implements OnGatewayConnection {
        @WebSocketServer()
        readonly server!: Namespace;

        handleConnection(client: Socket): void {
          heard.push(client.nsp.name.length > 0 ? 'first' : '');
        }
      }
      @WebSocketGateway({ namespace: /^\/tenant-\d$/ })
      class SecondGateway implements OnGatewayConnection {
        handleConnection(): void {
          heard.push('second');
        }
      }
      const { connect } = await serveGateways([FirstGateway, SecondGateway], { adapter });

      await connect('/tenant-1');

      expect(heard).toHaveLength(count);
    },
  );
});
