import type { MessageMappingProperties } from '@nestjs/websockets';
import { from, isObservable, mergeMap, type Observable, of } from 'rxjs';
import type { Socket } from 'socket.io';
import type { GatewayBinding } from './gateway-binding.js';
import type { Handler } from './handler.js';

type Transform = (result: unknown) => Observable<unknown>;

/** The handlers of a gateway in Nest's own form, one callback for each client, for adapters that look into them. */
export function toNestHandlers(gateway: GatewayBinding, client: Socket): MessageMappingProperties[] {
  return gateway.handlers.map(({ event, methodName, isAckHandledManually, call }) => ({
    message: event,
    methodName,
    isAckHandledManually,
    callback: async (data: unknown, acknowledge: unknown) => call([client, data, acknowledge, event]),
  }));
}

/** Nest's own way from a handler's result to what is sent, which a subclass of the adapter may wrap. */
export const toStream: Transform = (result) =>
  from(Promise.resolve(result)).pipe(mergeMap((value) => (isObservable(value) ? value : of(value))));

/** Back again: what goes through the callbacks and the transformation that an adapter has made of them. */
export function fromNestHandlers(
  handlers: readonly MessageMappingProperties[],
  transform: Transform,
  gateway: GatewayBinding | undefined,
): readonly Handler[] {
  return handlers.map(({ message, methodName, callback, isAckHandledManually }) => {
    const event = message as string;
    const original = gateway?.handlers.find((handler) => handler.event === event);
    return {
      event,
      methodName,
      isAckHandledManually,
      gateway: gateway ?? { name: 'a gateway' },
      call: ([, data, acknowledge]) => transform(callback(data, acknowledge)),
      filter: original ? original.filter : async () => false,
    };
  });
}
