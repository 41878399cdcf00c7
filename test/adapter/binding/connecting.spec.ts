import {
  type CanActivate,
  type ExecutionContext,
  Inject,
  Injectable,
  Scope,
  UnauthorizedException,
} from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  type OnGatewayConnection,
  SubscribeMessage,
  WebSocketGateway,
  WsException,
} from '@nestjs/websockets';
import type { Socket } from 'socket.io';
import { describe, expect, it } from 'vitest';
import { UseConnectionGuards } from '../../../src/adapter/binding/connection-guards.js';
import { next, openUntyped } from '../../support/clients.js';
import { adapterNames, serveGateways } from '../../support/gateways.js';
import { watchForUnhandled } from '../../support/rejections.js';

/** A gateway whose `handleConnection` ends when the test says so, and what has happened in it. */
function slowGateway(scope: Scope = Scope.DEFAULT) {
  const happened: unknown[] = [];
  const gate = gateOf();
  const entered = gateOf();

  @Injectable({ scope })
  @WebSocketGateway()
  class SlowGateway implements OnGatewayConnection {
    async handleConnection(client: Socket): Promise<void> {
      client.on('by hand', (data: unknown) => happened.push(`by hand ${String(data)}`));
      client.on('seen', (acknowledge: () => void) => acknowledge());
      entered.resolve();
      await gate.promise;
      happened.push('connected');
    }

    handleDisconnect(): void {
      happened.push('disconnected');
    }

    @SubscribeMessage('say')
    say(@MessageBody() data: string): string {
      happened.push(`say ${data}`);
      return data;
    }

    @SubscribeMessage('shout')
    async shout(@MessageBody() data: string): Promise<string> {
      happened.push(`shout ${data}`);
      return data.toUpperCase();
    }
  }
  return { SlowGateway, happened, gate, entered };
}

describe('an event that comes before handleConnection has finished', () => {
  it.each([
    ['stock', ['say 1', 'shout 2', 'say 3', 'connected']],
    ['ours', ['connected', 'say 1', 'shout 2', 'say 3']],
  ] as const)('with the %s adapter is handled in the order %j', async (adapter, order) => {
    const { SlowGateway, happened, gate } = slowGateway();
    const { connect } = await serveGateways([SlowGateway], { adapter });
    const client = await connect();

    const answers = Promise.all([
      client.emitWithAck('say', '1'),
      client.emitWithAck('shout', '2'),
      client.emitWithAck('say', '3'),
    ]);
    await serverHasSeen(client);
    gate.resolve();

    expect(await answers).toEqual(['1', '2', '3']);
    expect(happened).toEqual(order);
  });

  it('waits in a request-scoped gateway as well', async () => {
    const { SlowGateway, happened, gate, entered } = slowGateway(Scope.REQUEST);
    const { connect } = await serveGateways([SlowGateway]);
    const client = await connect();
    await entered.promise;

    const answer = client.emitWithAck('say', '1');
    await serverHasSeen(client);
    gate.resolve();

    expect(await answer).toBe('1');
    expect(happened).toEqual(['connected', 'say 1']);
  });

  it('reaches a listener that was set by hand at once', async () => {
    const { SlowGateway, happened, gate } = slowGateway();
    const { connect } = await serveGateways([SlowGateway]);
    const client = await connect();
    client.emit('say', 'later');

    client.emit('by hand', 'now');
    await serverHasSeen(client);

    expect(happened).toEqual(['by hand now']);
    gate.resolve();
  });

  it('does not wait for another gateway of the namespace', async () => {
    const { SlowGateway, gate } = slowGateway();
    @WebSocketGateway()
    class QuickGateway {
      @SubscribeMessage('quick')
      quick(): string {
        return 'at once';
      }
    }
    const { connect } = await serveGateways([SlowGateway, QuickGateway]);

    expect(await (await connect()).emitWithAck('quick')).toBe('at once');
    gate.resolve();
  });

  it('is refused beyond a number', async () => {
    const { SlowGateway, happened, gate } = slowGateway();
    const { connect } = await serveGateways([SlowGateway], { heldEventsPerClient: 2 });
    const client = await connect();
    const held = [client.emitWithAck('say', '1'), client.emitWithAck('say', '2')];

    expect(await client.emitWithAck('say', '3')).toEqual({
      error: { code: 'NOT_CONNECTED', message: 'Too many events came before the connecting had finished.' },
    });
    gate.resolve();

    expect(await Promise.all(held)).toEqual(['1', '2']);
    expect(happened).toEqual(['connected', 'say 1', 'say 2']);
  });

  it('is refused when the connecting takes too long, and the client is disconnected with the reason', async () => {
    const { SlowGateway, happened } = slowGateway();
    const { connect, adapter } = await serveGateways([SlowGateway], { connectionTimeoutMs: 50 });
    const client = await connect();
    const reason = next(client as never, 'exception' as never);
    const gone = next(client as never, 'disconnect' as never);
    const refusal = { error: { code: 'NOT_CONNECTED', message: 'The connecting took too long.' } };

    expect(await client.emitWithAck('say', '1')).toEqual(refusal);
    expect(await reason).toEqual([refusal]);
    expect((await gone)[0]).toBe('io server disconnect');
    expect(happened).not.toContain('say 1');
    expect(adapter.faults).toEqual([{ gateway: 'SlowGateway', event: 'handleConnection', count: 1 }]);
  });

  it.each([Scope.DEFAULT, Scope.REQUEST])('is refused when the connecting fails (scope %i)', async (scope) => {
    const nothingUnhandled = watchForUnhandled();
    const { SlowGateway, gate } = slowGateway(scope);
    const { connect } = await serveGateways([SlowGateway]);
    const client = await connect();
    const gone = next(client as never, 'disconnect' as never);
    const answer = client.emitWithAck('say', '1');
    await serverHasSeen(client);
    const refusal = { error: { code: 'BANNED', message: 'You are banned.' } };

    gate.reject(new WsException(refusal.error));

    expect(await answer).toEqual(refusal);
    expect((await gone)[0]).toBe('io server disconnect');
    await nothingUnhandled();
  });

  it('is forgotten when the client goes, and handleDisconnect comes after what it undoes', async () => {
    const { SlowGateway, happened, gate } = slowGateway();
    const { connect, adapter } = await serveGateways([SlowGateway]);
    const client = await connect();
    client.emit('say', '1');
    await serverHasSeen(client);
    happened.length = 0;

    client.disconnect();
    while (adapter.connections > 0) await new Promise(setImmediate);
    gate.resolve();
    while (happened.length < 2) await new Promise(setImmediate);

    expect(happened).toEqual(['connected', 'disconnected']);
  });
});

@Injectable()
class Tokens {
  readonly valid = 'let me in';
}

@Injectable()
class TokenGuard implements CanActivate {
  static made = 0;

  constructor(@Inject(Tokens) private readonly tokens: Tokens) {
    TokenGuard.made++;
  }

  canActivate(context: ExecutionContext): boolean {
    const client = context.switchToWs().getClient<Socket>();
    const { token } = client.handshake.auth as { token?: string };
    if (token === undefined) throw new WsException({ code: 'TOKEN_MISSING', message: 'Say who you are.' });
    if (token === 'expired') throw new UnauthorizedException('The token has expired.');
    if (token === 'poison') throw new Error('the database is away');
    return token === this.tokens.valid;
  }
}

@Injectable()
class LaterGuard implements CanActivate {
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const { name } = context.getClass();
    const pattern = context.switchToWs().getPattern();
    const { token } = context.switchToWs().getData<{ token: string }>();
    return (
      name === 'GuardedGateway' &&
      pattern === 'connection' &&
      typeof context.getHandler() === 'function' &&
      token.length > 0
    );
  }
}

@WebSocketGateway({ namespace: '/guarded' })
@UseConnectionGuards(TokenGuard, LaterGuard)
class GuardedGateway {
  static readonly connected: string[] = [];

  handleConnection(client: Socket): void {
    GuardedGateway.connected.push(client.id);
  }

  @SubscribeMessage('id')
  id(@ConnectedSocket() client: Socket): string {
    return client.id;
  }
}

@WebSocketGateway({ namespace: '/open' })
class OpenGateway {}

@WebSocketGateway({ namespace: /^\/guarded-\d$/ })
@UseConnectionGuards(TokenGuard)
class DynamicGateway {}

describe('a guard for connections', () => {
  const denials: readonly (readonly [auth: object, error: { message: string; data: unknown }])[] = [
    [{}, { message: 'Say who you are.', data: { code: 'TOKEN_MISSING', message: 'Say who you are.' } }],
    [
      { token: 'expired' },
      { message: 'The token has expired.', data: { code: 'UNAUTHORIZED', message: 'The token has expired.' } },
    ],
    [{ token: 'wrong' }, { message: 'Forbidden resource', data: { code: 'FORBIDDEN', message: 'Forbidden resource' } }],
    [
      { token: 'poison' },
      {
        message: 'The server could not handle this message.',
        data: { code: 'INTERNAL_ERROR', message: 'The server could not handle this message.' },
      },
    ],
  ];

  it.each(denials)('that denies %j tells the client why, and the gateway never sees it', async (auth, error) => {
    const { connect } = await serveGateways([GuardedGateway], { providers: [Tokens] });
    GuardedGateway.connected.length = 0;

    await expect(connect('/guarded', { auth })).rejects.toMatchObject(error);
    await expect(connect('/guarded-1', { auth })).rejects.toThrow('Invalid namespace');
    expect(GuardedGateway.connected).toEqual([]);
  });

  it('that allows lets the client in', async () => {
    const { connect } = await serveGateways([GuardedGateway], { providers: [Tokens] });

    const client = await connect('/guarded', { auth: { token: 'let me in' } });

    expect(await client.emitWithAck('id')).toBe(client.id);
  });

  it('is the module’s provider where there is one', async () => {
    const before = TokenGuard.made;
    await serveGateways([GuardedGateway], { providers: [Tokens, TokenGuard] });

    expect(TokenGuard.made - before).toBe(1);
  });

  it('stands before dynamic namespaces', async () => {
    const { connect } = await serveGateways([DynamicGateway], { providers: [Tokens] });

    await expect(connect('/guarded-1')).rejects.toThrow('Say who you are.');
    expect((await connect('/guarded-2', { auth: { token: 'let me in' } })).connected).toBe(true);
  });

  it('stands before every gateway as an option of the adapter, and before the gateway’s own', async () => {
    const asked: string[] = [];
    const guard: CanActivate = {
      canActivate: (context) => {
        asked.push(context.getClass().name);
        return context.switchToWs().getClient<Socket>().handshake.query['open'] !== 'no';
      },
    };
    const options = { providers: [Tokens], connectionGuards: [guard] };
    const { connect } = await serveGateways([GuardedGateway, OpenGateway], options);

    await expect(connect('/open', { query: { open: 'no' } })).rejects.toThrow('Forbidden resource');
    await expect(connect('/guarded', {})).rejects.toThrow('Say who you are.');
    expect((await connect('/open')).connected).toBe(true);
    expect(asked).toEqual(['OpenGateway', 'GuardedGateway', 'OpenGateway']);
  });

  it('that cannot be made refuses every client, and says so to who asks', async () => {
    const { connect, adapter } = await serveGateways([GuardedGateway]);

    await expect(adapter.prepared()).rejects.toThrow('Tokens');
    await expect(connect('/guarded', { auth: { token: 'let me in' } })).rejects.toMatchObject({
      data: { code: 'INTERNAL_ERROR' },
    });
  });

  it.each(adapterNames)(
    'is no other’s business: with the %s adapter, an unguarded gateway takes everybody',
    async (adapter) => {
      const { connect } = await serveGateways([OpenGateway], { adapter });

      expect((await connect('/open')).connected).toBe(true);
    },
  );

  it('lets a client that was denied try again', async () => {
    const { url } = await serveGateways([GuardedGateway], { providers: [Tokens] });
    const client = openUntyped(`${url}/guarded`, { auth: { token: 'wrong' } });
    await next(client as never, 'connect_error' as never);
    client.auth = { token: 'let me in' };

    client.connect();
    await next(client as never, 'connect' as never);

    expect(client.connected).toBe(true);
  });
});

/** What is set by hand answers at once: by then the server has what was sent before. */
async function serverHasSeen(client: { emitWithAck(event: string): Promise<unknown> }): Promise<void> {
  await client.emitWithAck('seen');
}

interface Gate {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (reason: Error) => void;
}

function gateOf(): Gate {
  const gate: Partial<{ -readonly [Field in keyof Gate]: Gate[Field] }> = {};
  gate.promise = new Promise((resolve, reject) => Object.assign(gate, { resolve, reject }));
  return gate as Gate;
}
