import type { CanActivate } from '@nestjs/common';
import { type OnGatewayConnection, SubscribeMessage, WebSocketGateway, WsException } from '@nestjs/websockets';
import { concat, of, throwError } from 'rxjs';
import type { Socket } from 'socket.io';
import { describe, expect, it } from 'vitest';
import { UseConnectionGuards } from '../../../src/index.js';
import { next } from '../../support/clients.js';
import { serveGateways } from '../../support/gateways.js';

const internalError = { error: { code: 'INTERNAL_ERROR', message: 'The server could not handle this message.' } };

@WebSocketGateway()
class ThrowingGateway implements OnGatewayConnection {
  handleConnection(client: Socket): void {
    client.onAny(() => {});
  }

  @SubscribeMessage('then that throws')
  thenGetter(): unknown {
    const result = {};
    const name = ['th', 'en'].join('');
    Object.defineProperty(result, name, {
      get: () => {
        throw new Error('the getter failed');
      },
    });
    return result;
  }

  @SubscribeMessage('error of a library')
  libraryError(): void {
    throw new WsException(new Error('connect ECONNREFUSED 10.0.0.7:5432'));
  }

  @SubscribeMessage('stream')
  stream() {
    return concat(
      of({ event: 'first', data: 1 }),
      throwError(() => new WsException('it broke')),
    );
  }
}

describe('a client that asked for an acknowledgement', () => {
  it.each(['then that throws', 'error of a library'])('is told nothing of an inside: %s', async (event) => {
    const { connect } = await serveGateways([ThrowingGateway]);

    expect(await (await connect()).emitWithAck(event)).toEqual(internalError);
  });

  it('is answered where somebody listens to every event, and nobody serves this one', async () => {
    const { connect } = await serveGateways([ThrowingGateway]);

    expect(await (await connect()).emitWithAck('nobody')).toMatchObject({ error: { code: 'UNKNOWN_EVENT' } });
  });

  it('is answered where it names an event as Socket.IO names its own', async () => {
    const { connect } = await serveGateways([ThrowingGateway]);

    expect(await (await connect()).emitWithAck('error')).toMatchObject({ error: { code: 'UNKNOWN_EVENT' } });
  });

  it('hears of a stream that fails after its first value was the answer', async () => {
    const { connect } = await serveGateways([ThrowingGateway]);
    const client = await connect();
    const told = next(client, 'exception');

    expect(await client.emitWithAck('stream')).toBe(1);

    expect(await told).toEqual([{ error: { code: 'REFUSED', message: 'it broke' } }]);
  });
});

class NeverGuard implements CanActivate {
  canActivate(): Promise<boolean> {
    return new Promise(() => {});
  }
}

@WebSocketGateway()
@UseConnectionGuards(NeverGuard)
class NeverGateway {}

describe('a guard that never says anything', () => {
  it('keeps a client for a bounded time', async () => {
    const { connect } = await serveGateways([NeverGateway], { connectionTimeoutMs: 100 });

    await expect(connect()).rejects.toMatchObject({ data: { code: 'NOT_CONNECTED' } });
  });
});
