import type { CanActivate, Type } from '@nestjs/common';
import { ExecutionContextHost, FORBIDDEN_MESSAGE } from '@nestjs/core/internal';
import { WsException } from '@nestjs/websockets';
import { isObservable, lastValueFrom } from 'rxjs';
import type { Socket } from 'socket.io';

/** A guard as `@UseGuards` takes it: a class, of which Nest makes an instance, or an instance. */
export type ConnectionGuard = Type<CanActivate> | CanActivate;

const connectionGuards = Symbol('connection guards');

/**
 * Runs ordinary Nest guards before a client is connected to the gateway's namespace.
 *
 *     @WebSocketGateway({ namespace: '/orders' })
 *     @UseConnectionGuards(TokenGuard)
 *     export class OrdersGateway {}
 *
 * The guard's `context.switchToWs()` has the client, which is not connected yet and whose `handshake` says who it is;
 * as data what the client sent as `auth`; as pattern `connection`. A client that a guard denies gets `connect_error`,
 * whose `message` and `data.code` are those of the exception that the guard has thrown, or `FORBIDDEN`.
 * A guard that is a provider of the gateway's module is that provider; of another class one instance is made, from the
 * module's providers. Request-scoped guards are none for connections.
 */
export function UseConnectionGuards(...guards: readonly ConnectionGuard[]): ClassDecorator {
  return (gateway) => Reflect.defineMetadata(connectionGuards, guards, gateway);
}

export function connectionGuardsOf(gateway: object): readonly ConnectionGuard[] {
  return (Reflect.getMetadata(connectionGuards, gateway) ?? []) as readonly ConnectionGuard[];
}

/** A guard may ask for metadata of the handler, so there is one also where the gateway has none. */
function noHandler(): void {}

/**
 * Asks one guard after the other.
 *
 * @throws what a guard throws, or WsException when it denies.
 */
export async function askGuards(guards: readonly CanActivate[], socket: Socket, gateway: Type): Promise<void> {
  const { handleConnection = noHandler } = gateway.prototype as { handleConnection?: () => void };
  const context = new ExecutionContextHost([socket, socket.handshake.auth, 'connection'], gateway, handleConnection);
  context.setType('ws');
  for (const guard of guards) {
    const verdict = guard.canActivate(context);
    if (!(await (isObservable(verdict) ? lastValueFrom(verdict) : verdict))) throw new WsException(FORBIDDEN_MESSAGE);
  }
}
